# SPDX-License-Identifier: Apache-2.0
# Included by the Makefile: recordings, and the text that they replay to. The unit test record/golden compares.

GOLDEN := $(B)/tests/golden/make_golden

$(GOLDEN).o: private C_FLAGS += -iquote tests/unit

$(GOLDEN): $(GOLDEN).o $(PURE_LIB)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

.PHONY: golden
golden: $(GOLDEN) $(B)/tests/unit/record/golden ## write tests/golden anew; review the difference
	$(GOLDEN) tests/golden && chmod 644 tests/golden/*.rec
	GOLDEN_WRITE=1 $(B)/tests/unit/record/golden
	@git --no-pager diff --stat -- tests/golden
