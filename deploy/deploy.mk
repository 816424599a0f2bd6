# SPDX-License-Identifier: Apache-2.0
# Included by the Makefile: packages.

DEB_ARCH  := $(shell dpkg --print-architecture 2>/dev/null)
DEB       := $(B)/deb/bunscope_$(VERSION)_$(DEB_ARCH).deb

.PHONY: deb
deb: $(DEB) ## build the Debian package, build/deb/bunscope_VERSION_ARCH.deb

# dpkg-buildpackage writes beside the folder that it is in.
$(DEB): $(B)/bunscope $(MANUAL) $(shell find deploy/debian deploy/systemd -type f)
	@echo "  DEB     $@"
	$(Q)rm -rf $(B)/deb && mkdir -p $(B)/deb/tree && cp -r deploy/debian $(B)/deb/tree/debian
	$(Q)printf 'bunscope ($(VERSION)) unstable; urgency=medium\n\n  * Built from revision $(REVISION).\n\n -- %s  %s\n' \
		"$$(sed -n 's/^Maintainer: //p' deploy/debian/control)" "$$(LC_ALL=C date -R -u -d @$(SOURCE_DATE))" \
		> $(B)/deb/tree/debian/changelog
	$(Q)cd $(B)/deb/tree && BUNSCOPE_SOURCE=$(CURDIR) dpkg-buildpackage -b -us -uc -d > ../log 2>&1 || { tail -30 ../log; exit 1; }

# The commit's time, so that the same commit makes the same package.
SOURCE_DATE := $(shell git log -1 --format=%ct 2>/dev/null || date +%s)

# ---- Kubernetes ----

.PHONY: test-deploy
test-deploy: ## render the chart in each combination of values, decode it strictly (needs Go)
ifeq ($(GO),)
	@echo "skipped: test-deploy: there is no Go to build Helm's engine with"
else
	cd tests/deploy && $(GO) test ./...
endif
