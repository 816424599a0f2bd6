# SPDX-License-Identifier: Apache-2.0
# Included by the Makefile: figures, as tables and ratios, never tests.

BENCH     := $(B)/tests/bench
DOORS     := $(BENCH)/doors/doors
STORM     := $(BENCH)/storm/storm
STORM_BUN := $(BENCH)/storm/bun
LAUNCHER  := $(BENCH)/storm/launcher
ROUNDS    ?= 15
RUNS      ?= 20000
AGENT     ?= $(B)/bunscope
BENCH_BUN ?= $(B)/bun/$(firstword $(E2E_BUN_VERSIONS))/node_modules/.bin/bun

$(BENCH)/doors/doors.skel.h $(BENCH)/storm/stopwatch.skel.h: %.skel.h: %.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $(*F)_bpf > $@.tmp && mv $@.tmp $@

$(BENCH)/doors/doors.o: | $(BENCH)/doors/doors.skel.h
$(BENCH)/storm/stopwatch.o: | $(BENCH)/storm/stopwatch.skel.h

$(DOORS): $(BENCH)/doors/doors.o $(BENCH)/agent.o $(BENCH)/tracepoint.o
	$(Q)$(CC) $(CFLAGS) -o $@ $^ -lbpf -lelf -lz

$(STORM): $(addprefix $(BENCH)/,agent.o tracepoint.o storm/storm.o storm/launch.o storm/bpftime.o storm/stopwatch.o)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ -lbpf -lelf -lz -lm

$(LAUNCHER): $(addprefix $(BENCH)/storm/,launcher.o launch.o)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(CC) $(CFLAGS) -o $@ $^

$(STORM_BUN): $(BENCH)/storm/bun.o
	$(Q)$(CC) $(CFLAGS) -static -o $@ $^

# The scrape, beside what Go programs use today.
SCRAPE      := $(BENCH)/scrape
SCRAPE_BINS := $(SCRAPE)/scrape_client $(SCRAPE)/render $(if $(GO),$(SCRAPE)/rival)
# Tool ids that make about 10,000 series, and some runs of each.
SERIES_TOOLS ?= 79
SERIES_RUNS  ?= 1000

$(SCRAPE)/scrape_client $(SCRAPE)/render: %: %.o $(PURE_LIB)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

$(SCRAPE)/rival: $(wildcard tests/bench/scrape/rival/*)
	@mkdir -p $(@D)
	@echo "  GO      $@"
	$(Q)cd tests/bench/scrape/rival && CGO_ENABLED=0 $(GO) build -o $(abspath $@) .

# A recording of that many records: 0.4 GB for each million, 1.4 GB with payload.
REPLAY         := $(BENCH)/replay/replay
REPLAY_RECORDS ?= 500000

$(REPLAY).o: private C_FLAGS += -iquote tests/unit

$(REPLAY): $(REPLAY).o $(PURE_LIB)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

# Spans: what one costs, and a collector for the storm.
SPANS := $(BENCH)/spans/spans

$(SPANS): $(SPANS).o $(BENCH)/spans/sink.o $(PURE_LIB)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

.PHONY: bench-build
bench-build: $(DOORS) $(STORM) $(STORM_BUN) $(SCRAPE_BINS) $(REPLAY) $(SPANS)

.PHONY: bench
bench: all bench-build bun e2e-parents ## print figures: cost to others, storm, BPF time, scrape (root)
	@tests/bench/machine
	@echo && echo "Cost to an unrelated process" && $(DOORS) --agent $(AGENT) --rounds $(ROUNDS)
	@echo && echo "Start, storm, BPF time" && $(STORM) --agent $(AGENT) --runs $(RUNS) --real-bun "$(BENCH_BUN)"
	@echo && echo "Memory with runs in flight" && $(PYTHON) tests/bench/memory.py --agent $(AGENT) --bun $(STORM_BUN)
	@echo && echo "Replay" && $(REPLAY) --records $(REPLAY_RECORDS) && $(REPLAY) --records $(REPLAY_RECORDS) --payload
	@echo && echo "Spans" && $(SPANS)
	@echo && echo "The storm again, with spans" && $(SPANS) --for $(STORM) --agent $(AGENT) --runs $(RUNS)
	@echo && echo "A fleet" && $(PYTHON) tests/bench/fleet.py --agent $(AGENT) --bun $(STORM_BUN)
	@echo && echo "Uprobes"
ifeq ($(GO),)
	@echo "skipped: uprobes in a Go server: go is not installed"
else
	@$(PYTHON) tests/bench/uprobe/uprobe.py "$(BENCH_BUN)"
endif
	@echo && echo "A server's requests"
ifeq ($(GO),)
	@echo "skipped: a Go server under wrk: go is not installed"
else
	@$(PYTHON) tests/bench/server/server.py "$(BENCH_BUN)"
endif
	@echo && echo "Scrape"
ifeq ($(GO),)
	@echo "skipped: scrape beside client_golang and VictoriaMetrics: go is not installed"
else
	@$(STORM) --agent $(AGENT) --runs $(SERIES_RUNS) --tools $(SERIES_TOOLS) --with \
		$(PYTHON) tests/bench/scrape/compare.py $(SCRAPE) --agent PORT PID
endif
