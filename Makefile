# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. Nothing but deps, e2e, test, demo, run and bench needs root.

VERSION   := 0.1.0
REVISION  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
HOST_ARCH := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')
ARCH      ?= $(HOST_ARCH)

# `make ARCH=arm64` elsewhere: against Debian's libraries for it, unpacked into a directory of the build's own.
# Go calls architectures as Debian does.
TRIPLET_x86   := x86_64-linux-gnu
TRIPLET_arm64 := aarch64-linux-gnu
DEBIAN_x86    := amd64
DEBIAN_arm64  := arm64
ifeq ($(ARCH),$(HOST_ARCH))
B         := build
CC        := $(if $(filter default,$(origin CC)),cc,$(CC))
else
B         := build/$(ARCH)
SYSROOT   ?= $(CURDIR)/build/sysroot-$(ARCH)
CC        := $(TRIPLET_$(ARCH))-gcc --sysroot=$(SYSROOT)
endif
CLANG     ?= clang
BPFTOOL   ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PYTHON    ?= /usr/bin/python3
JOBS      ?= $(shell nproc)
T         ?= 60
V         ?= 0
Q         := $(if $(filter 1,$(V)),,@)

WARNINGS  := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
             -Wpointer-arith -Wwrite-strings -Wunused-function -Wformat=2 -Wno-format-nonliteral
CFLAGS    ?= -O2 -g
# Of what is shipped; the sanitizers have checks of their own. check-hardening looks for each in the binary.
HARDEN_x86   := -fcf-protection
HARDEN_arm64 := -mbranch-protection=standard
HARDENING ?= -fPIE -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(HARDEN_$(ARCH))
HARDEN_LD ?= -pie -Wl,-z,relro,-z,now,-z,noexecstack
C_FLAGS   := -D_GNU_SOURCE -iquote . -iquote user -iquote $(B) -std=gnu17 $(WARNINGS) $(CPPFLAGS) $(CFLAGS)
LIBS      := -lbpf -lyaml -lelf -lmicrohttpd -lgnutls -lcrypt -lprotobuf-c -ljansson -lZydis -ldeflate -lcap-ng -lseccomp -lz
BPF_FLAGS := -target bpf -D__TARGET_ARCH_$(ARCH) -mcpu=v2 -O2 -g -Wall -Wextra -Werror \
             -Wno-unused-parameter -iquote .
SAN       := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# The definitions first: libbpf 1.1 loses maps that it links by name before it has seen them.
BPF_SRC   := bpf/maps.bpf.c $(filter-out bpf/maps.bpf.c,$(wildcard bpf/*.bpf.c))
BPF_OBJ   := $(BPF_SRC:%.c=$(B)/%.o)
SKELETON  := $(B)/bunscope.skel.h
USER_SRC  := $(wildcard user/*.c user/*/*.c)
# Generated from its schema: user/otlp/otlp.proto.
OTLP_SRC  := $(B)/otlp.pb-c.c
USER_OBJ  := $(USER_SRC:%.c=$(B)/%.o) $(OTLP_SRC:%.c=$(B)/%.o)
# The live page, inside the binary.
ASSETS    := $(sort $(wildcard user/page/*)) third_party/uplot/uPlot.iife.min.js third_party/uplot/uPlot.min.css
# What tests can link without a kernel or a server: all that includes neither libbpf nor microhttpd.
PURE_SRC  := $(shell grep -LE 'include (<bpf/|<microhttpd|"bunscope.skel)' $(filter-out user/main.c,$(USER_SRC))) $(OTLP_SRC)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all
all: $(B)/bunscope ## build build/bunscope (no root, no particular kernel)

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z][a-z0-9-]*:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## install missing Debian packages (root)
	@scripts/deps install

# One clear line instead of a compiler's page when something is not installed. These goals install it.
ifneq ($(filter demo run bench,$(MAKECMDGOALS)),)
$(B)/tools: deps
endif
$(B)/tools: scripts/deps $(if $(SYSROOT),$(SYSROOT)/.unpacked)
	@scripts/deps check build
	@mkdir -p $(B) && touch $@

%/.unpacked: scripts/sysroot scripts/deps
	@echo "  SYSROOT $*"
	$(Q)rm -rf $* && scripts/sysroot $(DEBIAN_$(ARCH)) $* && touch $@

# ---- the agent ----

$(B)/bunscope: $(USER_OBJ) $(B)/page.o
	@echo "  LINK    $@"
	$(Q)$(CC) $(C_FLAGS) $(HARDENING) $(LDFLAGS) $(HARDEN_LD) -o $@ $^ $(LIBS)

$(B)/page.c: $(ASSETS) scripts/embed
	@mkdir -p $(@D)
	@echo "  EMBED   $@"
	$(Q)scripts/embed $(ASSETS) > $@

$(B)/page.o: $(B)/page.c user/web/assets.h | $(B)/tools
	$(Q)$(CC) $(C_FLAGS) $(HARDENING) -c -o $@ $<

$(B)/%.o: %.c Makefile | $(B)/tools
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(C_FLAGS) $(HARDENING) -MMD -MP -c -o $@ $<

$(OTLP_SRC) $(OTLP_SRC:.c=.h) &: user/otlp/otlp.proto | $(B)/tools
	@echo "  PROTO   $<"
	$(Q)protoc-c --c_out=$(B) -I$(<D) $<

# Generated headers exist before their first user is compiled; from then on the dependency files know.
$(patsubst %.c,$(B)/%.o,$(wildcard user/kernel/*.c)): | $(SKELETON)
$(foreach d,$(B) $(B)/san $(B)/fuzz,$(patsubst %.c,$(d)/%.o,$(wildcard user/otlp/*.c))): | $(OTLP_SRC)

# Touched only when its text changes, and read only by what names it: a commit rebuilds little.
VERSION_H := \#define BUNSCOPE_VERSION "$(VERSION)"\n\#define BUNSCOPE_REVISION "$(REVISION)"\n
$(B)/version.h: FORCE
	@mkdir -p $(@D)
	@printf '$(VERSION_H)' | cmp -s - $@ || printf '$(VERSION_H)' > $@
.PHONY: FORCE
FORCE:

USES_VERSION := $(shell grep -rlE --include='*.c' 'BUNSCOPE_(VERSION|REVISION)' user docs tests/unit)
USES_VERSION := $(foreach d,$(B) $(B)/san $(B)/fuzz,$(USES_VERSION:%.c=$(d)/%.o))
$(USES_VERSION): private C_FLAGS += -include $(B)/version.h
$(USES_VERSION): $(B)/version.h

$(B)/%.bpf.o: %.bpf.c Makefile | $(B)/tools
	@mkdir -p $(@D)
	@echo "  BPF     $<"
	$(Q)$(CLANG) $(BPF_FLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$(B)/bunscope.bpf.o: $(BPF_OBJ)
	@echo "  BPFLINK $@"
	$(Q)$(BPFTOOL) gen object $@ $(BPF_OBJ)

$(SKELETON): $(B)/bunscope.bpf.o
	@echo "  SKEL    $@"
	$(Q)$(BPFTOOL) gen skeleton $< name bunscope_bpf > $@.tmp && mv $@.tmp $@

# ---- the same without a kernel or a server, for tools and benchmarks ----

PURE_LIB  := $(B)/pure.a

$(PURE_LIB): $(PURE_SRC:%.c=$(B)/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^

# ---- unit tests: cmocka, one program a file, under ASan and UBSan ----

UNIT_SRC  := $(wildcard tests/unit/*.c tests/unit/*/*.c)
UNIT_BIN  := $(UNIT_SRC:%.c=$(B)/%)
SAN_LIB   := $(B)/san/pure.a

$(B)/san/%.o: %.c Makefile | $(B)/tools
	@mkdir -p $(@D)
	@echo "  CC(san) $<"
	$(Q)$(CC) $(C_FLAGS) $(SAN) -MMD -MP -c -o $@ $<

$(SAN_LIB): $(PURE_SRC:%.c=$(B)/san/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/san/tests/unit/%.o: private C_FLAGS += -iquote tests/unit

$(B)/tests/unit/%: $(B)/san/tests/unit/%.o $(SAN_LIB)
	@mkdir -p $(@D)
	@echo "  TEST    $@"
	$(Q)$(CC) $(SAN) -o $@ $< $(SAN_LIB) -lcmocka $(LIBS)

.PHONY: unit
unit: $(UNIT_BIN) ## build and run the unit tests
	@for t in $(UNIT_BIN); do echo "== $$t"; $$t || exit 1; done

# ---- fuzzing: libFuzzer; the corpora run as plain tests too ----

FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_NAME := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
FUZZ_LIB  := $(B)/fuzz/pure.a

$(B)/fuzz/%.o: %.c Makefile | $(B)/tools
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(C_FLAGS) $(SAN) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(FUZZ_LIB): $(PURE_SRC:%.c=$(B)/fuzz/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^

# The only target that is about the server itself.
SERVER_SRC := $(shell grep -lE 'include <microhttpd' $(USER_SRC))
$(B)/fuzz/fuzz_http: $(SERVER_SRC:%.c=$(B)/fuzz/%.o) $(B)/page.o
$(B)/tests/fuzz/corpus_http: $(SERVER_SRC:%.c=$(B)/san/%.o) $(B)/page.o

# The kernel's side, in user space: stand-ins for libbpf's headers, and words may begin anywhere.
$(B)/fuzz/fuzz_http_kernel: $(B)/fuzz/tests/fuzz/kernel/http.o
$(B)/tests/fuzz/corpus_http_kernel: $(B)/san/tests/fuzz/kernel/http.o
$(B)/fuzz/tests/fuzz/kernel/%.o $(B)/san/tests/fuzz/kernel/%.o: private C_FLAGS := -std=gnu17 -O1 -g -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-unknown-pragmas -Wno-unknown-attributes -iquote . -I tests/fuzz/kernel -D__TARGET_ARCH_$(ARCH)
$(B)/fuzz/tests/fuzz/kernel/%.o $(B)/san/tests/fuzz/kernel/%.o: private SAN += -fno-sanitize=alignment

$(B)/fuzz/fuzz_%: $(B)/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_LIB)
	@echo "  FUZZ    $*"
	$(Q)$(CLANG) $(SAN) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

$(B)/tests/fuzz/corpus_%: $(B)/san/tests/fuzz/fuzz_%.o $(B)/san/tests/fuzz/corpus.o $(SAN_LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

# First inputs from recordings, taken apart.
FUZZ_SEEDS := $(B)/tests/fuzz/seeds
RECORDINGS := $(wildcard tests/golden/*.rec)

$(B)/tests/fuzz/make_seeds: $(B)/tests/fuzz/make_seeds.o $(PURE_LIB)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

$(FUZZ_SEEDS)/.made: $(B)/tests/fuzz/make_seeds $(RECORDINGS)
	$(Q)rm -rf $(@D) && $< $(@D) $(RECORDINGS) && touch $@

.PHONY: fuzz
fuzz: $(FUZZ_NAME:%=$(B)/fuzz/fuzz_%) $(FUZZ_SEEDS)/.made ## fuzz each parser for T=60 seconds; crashers land in its corpus
	@for n in $(FUZZ_NAME); do \
		mkdir -p $(B)/fuzz/found/$$n tests/fuzz/corpus/$$n $(FUZZ_SEEDS)/$$n; \
		$(B)/fuzz/fuzz_$$n -max_total_time=$(T) -print_final_stats=1 -artifact_prefix=tests/fuzz/corpus/$$n/ \
			$(B)/fuzz/found/$$n tests/fuzz/corpus/$$n $(FUZZ_SEEDS)/$$n || exit 1; \
	done

.PHONY: corpus
corpus: $(FUZZ_NAME:%=$(B)/tests/fuzz/corpus_%) $(FUZZ_SEEDS)/.made ## run the fuzz corpora, and what recordings hold, as plain tests
	@for n in $(FUZZ_NAME); do \
		$(B)/tests/fuzz/corpus_$$n tests/fuzz/corpus/$$n $(FUZZ_SEEDS)/$$n || exit 1; \
	done

# ---- all tests, and the parts that other folders add ----

-include tests/e2e/e2e.mk
-include tests/bench/bench.mk
-include tests/vm/vm.mk
-include tests/golden/golden.mk
$(E2E_BUNS): | $(B)/tools

.PHONY: test
test: ## install what is missing, build, run all tests (root)
	@scripts/deps install
	@$(MAKE) --no-print-directory all unit corpus
	@$(MAKE) --no-print-directory e2e

# ---- checks ----

C_FILES   := $(shell find include bpf user tests docs -name node_modules -prune -o -name '*.[ch]' -print)
SH_FILES  := $(shell grep -lIrE --exclude-dir=node_modules '^\#!/(usr/bin/env |bin/)(ba)?sh' scripts .ci tests)
TIDY      := clang-tidy --quiet --warnings-as-errors='*'

.PHONY: check
check: check-format check-layering check-third-party check-shell check-docs check-rules check-hardening check-tidy ## format, layering, shell, docs fresh, rules, hardening, clang-tidy

.PHONY: check-format
check-format:
	@scripts/deps check check
	@echo "clang-format $(words $(C_FILES)) files"
	@clang-format --dry-run -Werror $(C_FILES)

.PHONY: check-layering
check-layering:
	$(PYTHON) scripts/check-layering --self-test
	$(PYTHON) scripts/check-layering

.PHONY: check-third-party
check-third-party:
	@for d in third_party/*/; do (cd $$d && sha256sum -c --quiet SHA256SUMS) || exit 1; done

.PHONY: check-shell
check-shell:
	@for f in $(SH_FILES); do bash -n $$f || exit 1; done
	shellcheck $(SH_FILES)

$(B)/docs/reference: $(B)/docs/reference.o $(PURE_LIB)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

.PHONY: docs
docs: $(B)/docs/reference ## write docs/metrics.md from the metric tables
	$< > docs/metrics.md

.PHONY: check-docs
check-docs: $(B)/docs/reference
	@$< | diff -u docs/metrics.md - || { echo "docs/metrics.md is stale: run \`make docs\`" >&2; exit 1; }

.PHONY: dashboards
dashboards: ## write deploy/grafana/*.json from their source
	$(PYTHON) -B deploy/grafana/dashboards.py

# Where people find docs/runbooks. An alert that says so is worth a click.
RUNBOOKS  ?= docs/runbooks

.PHONY: rules
rules: ## write build/prometheus, rules whose runbook_url begins with RUNBOOKS=URL
	@mkdir -p $(B)/prometheus
	cp $(addprefix deploy/prometheus/,recording.yml scrape.yml fleet.yml) $(B)/prometheus/
	sed 's|runbook_url: docs/runbooks/|runbook_url: $(RUNBOOKS:%/=%)/|' deploy/prometheus/alerts.yml > $(B)/prometheus/alerts.yml

.PHONY: check-rules
check-rules:
	@scripts/deps check check
	$(PYTHON) -B deploy/grafana/dashboards.py --check
	$(PYTHON) -B scripts/check-rules

.PHONY: check-hardening
check-hardening: $(B)/bunscope
	$(PYTHON) -B scripts/check-hardening $<

# ---- installing ----

prefix    ?= /usr/local
sysconfdir?= $(if $(filter /usr,$(prefix)),/etc,$(prefix)/etc)
unitdir   ?= $(if $(filter /usr,$(prefix)),/lib/systemd/system,/etc/systemd/system)
MANUAL    := $(B)/docs/manual

$(MANUAL): $(B)/docs/manual.o $(PURE_LIB)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

.PHONY: install
install: $(B)/bunscope $(MANUAL) ## install below DESTDIR and prefix (/usr/local)
	install -D -m 755 $(B)/bunscope $(DESTDIR)$(prefix)/sbin/bunscope
	install -d $(DESTDIR)$(prefix)/share/man/man8 $(DESTDIR)$(prefix)/share/bash-completion/completions
	$(MANUAL) man > $(DESTDIR)$(prefix)/share/man/man8/bunscope.8
	$(MANUAL) bash > $(DESTDIR)$(prefix)/share/bash-completion/completions/bunscope
	install -d $(DESTDIR)$(unitdir)
	sed 's|/usr/sbin/|$(prefix)/sbin/|; s|/etc/bunscope|$(sysconfdir)/bunscope|' deploy/systemd/bunscope.service \
		> $(DESTDIR)$(unitdir)/bunscope.service
	test -e $(DESTDIR)$(sysconfdir)/bunscope/bunscope.yml || \
		install -D -m 644 deploy/systemd/bunscope.yml $(DESTDIR)$(sysconfdir)/bunscope/bunscope.yml

.PHONY: uninstall
uninstall: ## remove what install put there, but the configuration
	rm -f $(DESTDIR)$(prefix)/sbin/bunscope $(DESTDIR)$(prefix)/share/man/man8/bunscope.8 \
		$(DESTDIR)$(prefix)/share/bash-completion/completions/bunscope $(DESTDIR)$(unitdir)/bunscope.service

-include deploy/deploy.mk

# In bpf/ kernel addresses are numbers, a pointer is what is read, and a hook's parameters are the kernel's choice.
BPF_UNCHECKED := -performance-no-int-to-ptr,-misc-unused-parameters,-bugprone-sizeof-expression
.PHONY: check-tidy
check-tidy: $(SKELETON) $(B)/version.h
	@scripts/deps check check
	@echo "clang-tidy user/ bpf/"
	@printf '%s\n' $(USER_SRC) | xargs -P $(JOBS) -n 2 sh -c \
		'$(TIDY) "$$@" -- $(filter-out -W%,$(C_FLAGS)) -include $(B)/version.h 2>$(B)/tidy.log' tidy
	@printf '%s\n' $(BPF_SRC) | xargs -P $(JOBS) -n 1 sh -c \
		'$(TIDY) --checks=$(BPF_UNCHECKED) "$$@" -- $(filter-out -W%,$(BPF_FLAGS)) 2>$(B)/tidy.log' tidy

.PHONY: format
format: ## rewrite the C files as clang-format wants them
	clang-format -i $(C_FILES)

.PHONY: clean
clean: ## remove what was built
	rm -rf $(B)

-include $(shell find $(B) \( -name 'sysroot-*' -o -name tmp \) -prune -o -type f -name '*.d' -print 2>/dev/null)
