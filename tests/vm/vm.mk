# SPDX-License-Identifier: Apache-2.0
# Included by the Makefile: the e2e tests under other kernels, each in an emulated machine.

VM_INIT := $(B)/tests/vm/init
# Where kernels are kept, outside the repository: some 80 MB each.
VM_DIR  ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/bunscope-vm
# Kernels of tests/vm/kernels, and `systemd`, all of them by default: make test-vm K="5.10 6.12"
K       ?=

$(VM_INIT): tests/vm/init.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu17 $(WARNINGS) -Os -static -o $@ $<

.PHONY: vm-build
vm-build: all deb $(VM_INIT) $(DOORS) $(STORM) $(LAUNCHER) e2e-parents e2e-python $(E2E_BUNS)

.PHONY: test-vm
test-vm: ## run the e2e tests that depend on the kernel under K= kernels, and the package under systemd, emulated (root)
	@scripts/deps install && scripts/deps install vm || echo "other kernels: some packages could not be installed"
	@$(MAKE) --no-print-directory vm-build
	$(PYTHON) tests/vm/matrix --cache $(VM_DIR) $(VM) $(K)
