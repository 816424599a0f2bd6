# SPDX-License-Identifier: Apache-2.0
# Included by the Makefile: the e2e tests, their parents, and the Bun versions that they run.

E2E_BUN_VERSIONS := 1.4.5 1.3.0
E2E_BUNS   := $(E2E_BUN_VERSIONS:%=$(B)/bun/%/.installed)
E2E_PARENT := $(B)/tests/e2e/parent
E2E_SRC    := $(wildcard tests/e2e/parents/c/*.c)
E2E_OBJ    := $(E2E_SRC:%.c=$(B)/%.o)
GO         ?= $(firstword $(shell command -v go) $(wildcard /usr/local/go/bin/go))

# How often each test runs, which tests, and what else pytest shall know: make e2e REPEAT=20 E2E='-k row_09'
REPEAT     ?= 1
E2E        ?=

$(B)/bun/%/.installed: scripts/install-bun | $(B)/tools
	@echo "  BUN     $*"
	$(Q)scripts/install-bun $* $(B)/bun/$*
	$(Q)touch $@

$(E2E_PARENT): $(E2E_OBJ)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ -ljansson

# A tiny Bun, and what starts many of it: for storms.
E2E_STORM  := $(B)/tests/bench/storm/bun $(B)/tests/bench/storm/launcher

E2E_GO_FUNCTIONS := $(B)/tests/e2e/tools/go_functions

$(E2E_GO_FUNCTIONS): $(E2E_GO_FUNCTIONS).o $(PURE_LIB)
	@echo "  LINK    $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: e2e-parents
e2e-parents: $(E2E_PARENT) $(E2E_STORM) $(E2E_GO_FUNCTIONS)

ifneq ($(GO),)
E2E_GO_PARENT := $(B)/tests/e2e/go-parent
# As releases are built, and with its symbol tables.
E2E_GO_SERVER := $(B)/tests/e2e/go-server $(B)/tests/e2e/go-server-symbols
E2E_GO_BUILD  := GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0 GOARCH=$(DEBIAN_$(ARCH)) $(GO) build
e2e-parents: $(E2E_GO_PARENT) $(E2E_GO_SERVER)

E2E_GO_PARENT_SRC := $(shell find tests/e2e/parents/go -type f)
E2E_GO_SERVER_SRC := $(shell find tests/e2e/servers/go -type f) $(E2E_GO_PARENT_SRC)

# A real OpenTelemetry collector. Where its modules cannot be had, its tests are skipped, and say so.
E2E_COLLECTOR := $(B)/tests/e2e/collector
e2e-parents: $(E2E_COLLECTOR)
$(E2E_COLLECTOR): $(wildcard tests/e2e/collector/*)
	@mkdir -p $(@D)
	@echo "  GO      $@"
	$(Q)cd tests/e2e/collector && $(E2E_GO_BUILD) -o $(abspath $@) . || \
		echo "skipped: the OpenTelemetry collector could not be built"

$(E2E_GO_PARENT): $(E2E_GO_PARENT_SRC)
	@mkdir -p $(@D)
	@echo "  GO      $@"
	$(Q)cd tests/e2e/parents/go && $(E2E_GO_BUILD) -o $(abspath $@) .

$(B)/tests/e2e/go-server: private GO_FLAGS := -trimpath -ldflags "-s -w"
$(E2E_GO_SERVER): $(E2E_GO_SERVER_SRC)
	@mkdir -p $(@D)
	@echo "  GO      $@"
	$(Q)cd tests/e2e/servers/go && $(E2E_GO_BUILD) $(GO_FLAGS) -o $(abspath $@) .
endif

# Without them (no network, no pip) the tests that need them are skipped, and say so.
E2E_PYTHON := $(B)/python/.installed
$(E2E_PYTHON): tests/e2e/requirements.txt
	@mkdir -p $(@D)
	$(Q)$(PYTHON) -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action=ignore \
		--upgrade --target $(@D) -r $< && touch $@ || echo "skipped: the Python packages of tests/e2e could not be installed"

.PHONY: e2e-python
e2e-python: $(E2E_PYTHON)

.PHONY: bun
bun: $(E2E_BUNS) ## install the Bun versions that tests and demo run (npm, pinned)

# Drives a browser; one package without others behind it.
E2E_PLAYWRIGHT := 1.65.1

$(B)/playwright/.$(E2E_PLAYWRIGHT): | $(B)/tools
	@echo "  NPM     playwright-core $(E2E_PLAYWRIGHT)"
	@mkdir -p $(@D)
	$(Q)npm install --no-package-lock --no-save --no-audit --no-fund --loglevel=error --prefix $(@D) \
		playwright-core@$(E2E_PLAYWRIGHT)
	$(Q)touch $@

.PHONY: e2e
e2e: all e2e-parents e2e-python $(B)/playwright/.$(E2E_PLAYWRIGHT) $(E2E_BUNS) ## run the end-to-end tests (root; real Bun, real BPF)
	$(PYTHON) -m pytest -c tests/e2e/pytest.ini --rootdir tests/e2e -rs --repeat=$(REPEAT) $(E2E) tests/e2e

.PHONY: demo
demo: all $(E2E_PARENT) $(firstword $(E2E_BUNS)) ## install what is missing, build, show the agent at work for some seconds (root)
	$(PYTHON) scripts/demo $(DEMO)

.PHONY: run
run: DEMO += --keep
run: demo ## the same, then a gentle load for the live page until Ctrl-C
