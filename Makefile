# Every task of the project, in one file without recursion. Each variant is built in a folder of its own,
# build/<variant>/; the programs of the release variant stand directly in build/. `make help` lists the goals.
# Yours to set: CC CFLAGS LDFLAGS WERROR PREFIX DESTDIR PYTHON TIME (of fuzz). The project's own flags stay apart from them.

.DEFAULT_GOAL := programs
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --jobs=$(shell nproc)

VERSION := 0.1.0
PREFIX  ?= /usr/local
DATADIR  = $(PREFIX)/share/c2w
ifeq ($(origin CC),default)
CC := gcc
endif

# ---- what is built of what -----------------------------------------------------------------------------------------

PROGRAMS := c2w-server c2w-server-faulty c2w-conform c2w-report c2w-trace c2w-fuzz c2w-seeds c2w-simulate
INSTALLED := c2w-server c2w-conform c2w-report c2w-trace c2w-fuzz

MAINS    := $(wildcard */main*.c)
FAULTS   := $(wildcard server/faults*.c)
sources   = $(filter-out $(MAINS) $(FAULTS),$(wildcard $(1:%=%/*.c)))
BLACKBOX := $(wildcard fuzz/blackbox_*.c)
LIBRARY  := $(call sources,protocol judge net server harness reports pcap fuzz) harness/main_pcap.c $(FAULTS)

c2w-server        := server/main.c $(call sources,protocol net server)
c2w-server-faulty := server/main_faulty.c $(call sources,protocol net server) $(FAULTS)
c2w-conform       := harness/main.c harness/main_pcap.c $(call sources,protocol net judge reports harness server pcap)
c2w-report        := reports/main.c $(call sources,protocol reports)
c2w-trace         := pcap/main.c pcap/main_record.c pcap/main_scenario.c $(call sources,protocol net judge reports pcap)
c2w-fuzz          := fuzz/main_fuzz.c $(BLACKBOX) $(call sources,protocol net judge) harness/keeper.c reports/profile.c reports/text.c

c2w-seeds         := fuzz/main_seeds.c fuzz/fuzz.c fuzz/scripts.c fuzz/steps.c $(call sources,protocol reports)
c2w-simulate      := fuzz/main_simulate.c $(LIBRARY)

TARGETS   := $(wildcard fuzz/targets/*.c)

UNITS     := $(wildcard tests/unit/*_test.c)
SELFTESTS := $(wildcard tests/selftest/*.c)
BENCHES   := $(wildcard bench/*.c)
SUPPORT   := $(filter-out $(UNITS),$(wildcard tests/unit/*.c))
TESTING   := $(UNITS) $(SELFTESTS) $(SUPPORT)
SOURCES   := $(sort $(MAINS) $(LIBRARY) $(TARGETS) $(TESTING))

# ---- variants ------------------------------------------------------------------------------------------------------

VARIANTS := release asan tsan cov clang fuzz fuzzcov

bin_release := build
bin_asan    := build/asan
bin_tsan    := build/tsan
bin_cov     := build/cov
bin_clang   := build/clang
bin_fuzz    := build/fuzz
bin_fuzzcov := build/fuzzcov

cc_release = $(CC)
cc_asan    = $(CC)
cc_tsan    = $(CC)
cc_cov     = $(CC)
cc_clang   = clang
cc_fuzz    = $(FUZZ_CC)
cc_fuzzcov = clang

flags_release := -O2 -g
flags_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -Werror
flags_tsan    := -O1 -g -fno-omit-frame-pointer -fsanitize=thread -Werror
flags_cov     := -O0 -g --coverage
flags_clang   := -O1 -Werror
flags_fuzz     = $(FUZZ_FLAGS)
flags_fuzzcov := -O1 -g -fprofile-instr-generate -fcoverage-mapping

# Fuzz targets for another engine than clang's libFuzzer: fuzz/oss-fuzz/build.sh sets these.
FUZZ_CC     := clang
FUZZ_LINK    = $(FUZZ_CC)
FUZZ_FLAGS  := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_ENGINE := -fsanitize=fuzzer
TIME        := 600

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow
PACKAGES := libevent_core libevent_extra jansson libxml-2.0 libarchive libpcap
GENERATED := build/generated
DEFINES  := -D_GNU_SOURCE -DC2W_VERSION='"$(VERSION)"'
INSTALLED_AT := -DC2W_DATADIR='"$(DATADIR)"'

# pkg-config is asked once, at the first compilation: `make demo` may have to install it before.
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES)))$(PACKAGE_CFLAGS)
PACKAGE_LIBS   = $(eval PACKAGE_LIBS := -Wl,--as-needed $$(shell pkg-config --libs $(PACKAGES)) -lunistring -lm)$(PACKAGE_LIBS)

compile = $(cc_$(1)) -std=c17 -I. -I$(GENERATED) $(DEFINES) $(WARNINGS) $(PACKAGE_CFLAGS) $(flags_$(1)) $(WERROR) $(CFLAGS)
link    = $(cc_$(1)) $(flags_$(1)) $(CFLAGS) $(LDFLAGS)

Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

# $(1) a variant
define variant_rules
objects_$(1) = $$(patsubst %.c,build/$(1)/%.o,$$(1))
programs_$(1) := $$(PROGRAMS:%=$(bin_$(1))/%)
units_$(1) := $$(UNITS:%.c=build/$(1)/%)
selftests_$(1) := $$(SELFTESTS:%.c=build/$(1)/%)
benches_$(1) := $$(BENCHES:%.c=build/$(1)/%)
replays_$(1) := $$(TARGETS:fuzz/targets/%.c=build/$(1)/fuzz/replay-%)
FLAGS_FILES += build/$(1)/flags

build/$(1)/%.o: %.c build/$(1)/flags | deps-build
	$$(call say,cc,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(call compile,$(1)) -MMD -MP -c -o $$@ $$<

# The flags it was built with: other ones build it again.
build/$(1)/flags: FORCE | deps-build
	@mkdir -p $$(@D)
	@echo "$$(subst ",\",$$(call compile,$(1)) $$(LDFLAGS))" | cmp -s - $$@ || \
		echo "$$(subst ",\",$$(call compile,$(1)) $$(LDFLAGS))" > $$@

$$(foreach p,$$(PROGRAMS),$$(eval $(bin_$(1))/$$(p): $$(call objects_$(1),$$($$(p)))))
$$(programs_$(1)):
	$$(call say,link,$$@)
	$$(Q)$$(call link,$(1)) -o $$@ $$^ $$(PACKAGE_LIBS)

$$(units_$(1)) $$(selftests_$(1)): %: %.o $$(call objects_$(1),$$(SUPPORT) $$(LIBRARY))
	$$(call say,link,$$@)
	$$(Q)$$(call link,$(1)) -o $$@ $$^ $$(PACKAGE_LIBS) -lcmocka
$$(call objects_$(1),$$(TESTING)): | deps-test

$$(replays_$(1)): build/$(1)/fuzz/replay-%: build/$(1)/fuzz/targets/%.o $$(call objects_$(1),fuzz/main_replay.c $$(LIBRARY))
	$$(call say,link,$$@)
	$$(Q)$$(call link,$(1)) -o $$@ $$^ $$(PACKAGE_LIBS)
build/$(1)/fuzz/scripts.o: $$(wildcard scenarios/*.c2w scenarios/*/*.c2w)

$$(benches_$(1)): %: %.o
	$$(call say,link,$$@)
	$$(Q)$$(call link,$(1)) -o $$@ $$^ -lpcap
$$(call objects_$(1),$$(BENCHES)): | deps-bench

build/$(1)/reports/markup.o: $$(GENERATED)/c2w_html.inc

# The suite is looked for beside the program first: another PREFIX builds nothing again.
build/$(1)/harness/catalogue.o: DEFINES += $(INSTALLED_AT)
endef
$(foreach v,$(VARIANTS),$(eval $(call variant_rules,$(v))))
$(call objects_clang,$(SOURCES)): | deps-test

# The HTML report's style and script, as C.
$(GENERATED)/c2w_html.inc: reports/html/report.css reports/html/report.js scripts/embed
	$(Q)mkdir -p $(@D)
	$(Q)scripts/embed reports/html/report.css reports/html/report.js > $@
# Whoever makes inputs up and watches is not what is fuzzed: its branches are no features of a run. What the model sees counts by itself.
# The core and the judges are led by steps, not by octets that comparisons could tell.
WATCHERS := $(wildcard fuzz/model*.c) $(addprefix fuzz/,recogniser.c session.c steps.c steps_mutate.c fuzz.c targets/session.c)
$(call objects_fuzz,$(WATCHERS)): flags_fuzz += -O2 -fno-sanitize=fuzzer-no-link
$(call objects_fuzz,$(call sources,server judge)): flags_fuzz += -O2 -fno-sanitize-coverage=trace-cmp

FUZZERS := $(TARGETS:fuzz/targets/%.c=build/fuzz/target-%)
# An archive: a target takes what it uses, and needs no library of what it does not.
build/fuzz/library.a: $(call objects_fuzz,$(LIBRARY))
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^
$(FUZZERS): build/fuzz/target-%: build/fuzz/fuzz/targets/%.o build/fuzz/library.a
	$(call say,link,$@)
	$(Q)$(FUZZ_LINK) $(FUZZ_FLAGS) $(FUZZ_ENGINE) -o $@ $^ $(PACKAGE_LIBS)
build/fuzz/bench-empty: build/fuzz/bench/targets/empty.o
	$(Q)$(FUZZ_LINK) $(FUZZ_FLAGS) $(FUZZ_ENGINE) -o $@ $^
$(call objects_fuzz,$(SOURCES)) $(call objects_fuzzcov,$(SOURCES)): | deps-fuzz

-include $(wildcard $(foreach v,$(VARIANTS),$(patsubst %.c,build/$(v)/%.d,$(SOURCES) $(BENCHES))))

# ---- set-up --------------------------------------------------------------------------------------------------------

# Only these goals install what is missing; the others say it and stop.
INSTALLING := deps demo check check-all selftest mutants trust bench asan tsan cov lint format fuzz fuzz-power fuzz-power-network fuzzers corpus-seed corpus-min
$(INSTALLING): DEPS := scripts/deps
DEPS := scripts/deps --check
PYTHON ?= $(eval PYTHON := $$(shell scripts/python))$(PYTHON)

deps-build deps-test deps-bench deps-trust deps-lint deps-cov deps-fuzz:
	@$(DEPS) $(@:deps-%=%)

# ---- goals ---------------------------------------------------------------------------------------------------------

help: ## list the goals
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile
	@echo "Plain \`make\` builds the release programs into build/. V=1 shows the commands."

programs: $(programs_release)

deps: deps-build deps-test deps-bench deps-trust deps-lint deps-cov deps-fuzz ## install what any goal may need

demo: programs ## install what is missing, build, judge the reference server over UDP and TCP
	scripts/demo

UNIT   = scripts/unit
# Most tests wait for answers, so two a core; those that ask whether an answer is in time come last, one at a time.
TESTS  = $(PYTHON) -m pytest -q --dist loadgroup -p no:cacheprovider tests/cli tests/e2e
pytest = C2W_BUILD=$(1) $(TESTS) -n $$((2 * $$(nproc))) -m "not alone" && C2W_BUILD=$(1) $(TESTS) -m alone

check: deps-test programs $(programs_asan) $(units_asan) $(replays_asan) $(selftests_release) $(call objects_release,$(UNITS)) clang ## install what is missing, build with sanitizers, run every test
	$(UNIT) $(units_asan)
	build/c2w-conform --quiet --simulate scenarios
	build/c2w-conform --quiet --coverage scenarios
	$(call replay,build/asan/fuzz/replay)
	$(SELFTEST)
	tests/selftest/mutate
	$(PYTHON) tests/fits.py build/selftest.json build/mutants.json
	$(call pytest,build/asan)

check-all: check ## everything, however long: check, then selftest, all mutants, trust, tsan, cov, lint, dist and bench
	$(MAKE) selftest
	$(MAKE) mutants
	$(MAKE) trust
	$(MAKE) tsan
	$(MAKE) cov
	$(MAKE) lint
	$(MAKE) dist
	$(MAKE) bench

scenarios: programs ## check the suite, play it in virtual time, show what it covers
	build/c2w-conform --check scenarios
	build/c2w-conform --simulate scenarios
	build/c2w-conform --coverage scenarios

# Their output is long, and of use where they fail: there is build/selftest.json, too.
SELFTEST = set -e; for test in $(selftests_release); do $$test >$$test.log || { cat $$test.log; exit 1; }; tail -n 1 $$test.log; done

selftest: deps-test programs $(selftests_release) ## the suite against every known-bad server, as a matrix, and against what is no server
	set -e; for test in $(selftests_release) tests/selftest/sockets; do $$test; done

mutants: deps-test programs $(call objects_release,$(UNITS)) ## the suite against every wrong server that one change of the right one makes
	tests/selftest/mutate --all

# What programs are linked with, for who links them himself.
libraries:
	@echo $(PACKAGE_LIBS)

RUNS ?= 20

trust: deps-trust programs ## the right server under bad conditions, RUNS=20 times each: nothing may fail
	tests/selftest/trust --runs $(RUNS)

bench: deps-bench deps-fuzz programs $(benches_release) $(call objects_clang,$(BENCHES)) $(replays_release) build/asan/fuzz/replay-session \
	build/fuzz/target-message build/fuzz/bench-empty ## measure, and print the ratios
	bench/run
	$(PYTHON) tests/fits.py build/bench.json

asan: deps-test $(programs_asan) $(units_asan) ## unit tests under the address and undefined-behaviour sanitizers
	$(UNIT) $(units_asan)

tsan: deps-test $(programs_tsan) $(units_tsan) $(replays_asan) ## unit tests and the suite under the thread sanitizer
	$(UNIT) $(units_tsan)
	$(bin_tsan)/c2w-conform --quiet --simulate scenarios
	$(call pytest,build/tsan)

cov: deps-test deps-cov $(programs_cov) $(units_cov) $(replays_asan) ## line and branch coverage of all tests, in build/cov/coverage.html
	find build/cov -name '*.gcda' -delete
	$(UNIT) $(units_cov)
	$(bin_cov)/c2w-conform --quiet --simulate scenarios
	$(call pytest,build/cov)
	gcovr --root . --object-directory build/cov --exclude tests/ --html-details build/cov/coverage.html --print-summary

clang: $(call objects_clang,$(SOURCES))

fuzzers: $(FUZZERS)

fuzz: deps-fuzz fuzzers $(replays_fuzzcov) build/fuzz/dictionary ## all fuzz targets, TIME seconds together (600); leaves build/fuzz/report.html and .json
	fuzz/run --time $(TIME) $(TARGETS:fuzz/targets/%.c=%)
	$(PYTHON) tests/fits.py build/fuzz/report.json

fuzz-power: deps-fuzz build/fuzz/target-session ## how soon the session target, then c2w-fuzz, finds each known-bad server; leaves build/fuzz-power.json
	fuzz/power
	$(PYTHON) tests/fits.py build/fuzz-power.json
	$(MAKE) fuzz-power-network

replay = set -e; for target in $(TARGETS:fuzz/targets/%.c=%); do echo "replay $$target: $$($(1)-$$target corpus/$$target)"; done

fuzz-power-network: programs ## hunt each known-bad server over the network: which is found, and how soon
	fuzz/power-blackbox
	$(PYTHON) tests/fits.py build/fuzz-power-network.json

corpus-replay: $(replays_asan) $(replays_release) ## the corpus of every target, as plain programs with and without sanitizers
	$(call replay,build/asan/fuzz/replay)
	$(call replay,build/release/fuzz/replay)

corpus-seed: fuzzers programs build/c2w-seeds ## make seeds from the scenarios, and add to the corpus what brings new coverage
	fuzz/seed $(TARGETS:fuzz/targets/%.c=%)

corpus-min: fuzzers ## leave in the corpus only what brings coverage; regress/ stays
	fuzz/minimise $(TARGETS:fuzz/targets/%.c=%)

build/fuzz/dictionary: build/c2w-seeds
	@mkdir -p $(@D)
	$(Q)build/c2w-seeds --dictionary > $@

lint: deps-build deps-test deps-bench deps-lint $(GENERATED)/c2w_html.inc ## clang-tidy and cppcheck, every finding an error
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr --suppress=uninitvar \
		--library=scripts/cppcheck.cfg -j $(shell nproc) -I. -D_GNU_SOURCE $(filter-out $(TESTING),$(SOURCES)) $(BENCHES)
	printf '%s\n' $(SOURCES) $(BENCHES) | xargs -P $(shell nproc) -n 1 scripts/tidy -std=c17 -I. -I$(GENERATED) $(DEFINES) $(INSTALLED_AT) $(PACKAGE_CFLAGS)

format: deps-lint ## clang-format the C sources in place (look at the diff: hand-made tables suffer)
	clang-format -i $(SOURCES) $(BENCHES) $(wildcard $(addsuffix /*.h,protocol judge net server harness reports fuzz tests/unit bench))

# Where Wireshark looks for everybody's Lua plugins: for installations that are for everybody. Empty where it is not installed.
WIRESHARK ?= $(if $(filter /usr /usr/local,$(PREFIX)),$(WIRESHARK_PLUGINS))
WIRESHARK_PLUGINS = $(eval WIRESHARK_PLUGINS := $$(shell tshark -G folders 2>/dev/null | sed -n 's/^Global Lua Plugins:[[:space:]]*//p'))$(WIRESHARK_PLUGINS)

install: programs ## copy programs, suite, schema, plugins and documents below $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(DATADIR)/python $(DESTDIR)$(PREFIX)/share/doc/c2w
	install $(INSTALLED:%=build/%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(wildcard reports/*.schema.json) $(DESTDIR)$(DATADIR)
	install -m 644 harness/python/*.py $(DESTDIR)$(DATADIR)/python
	install -m 644 pcap/c2w.lua $(DESTDIR)$(DATADIR)
	$(if $(WIRESHARK),install -D -m 644 pcap/c2w.lua $(DESTDIR)$(WIRESHARK)/c2w.lua || echo "Wireshark: c2w.lua stays in $(DATADIR)")
	install -m 644 README.md LICENSE $(wildcard docs/*.md) $(DESTDIR)$(PREFIX)/share/doc/c2w
	rm -rf $(DESTDIR)$(DATADIR)/scenarios
	cp -R scenarios $(DESTDIR)$(DATADIR)/scenarios

dist: ## the committed tree as build/c2w-$(VERSION).tar.gz
	@mkdir -p build
	git archive --prefix=c2w-$(VERSION)/ -o build/c2w-$(VERSION).tar.gz HEAD

clean: ## remove build/
	rm -rf build

FORCE:
.PHONY: help programs deps deps-build deps-test deps-bench deps-trust deps-lint deps-cov deps-fuzz demo check check-all scenarios selftest mutants libraries trust bench \
	asan tsan cov clang fuzz fuzzers fuzz-power fuzz-power-network corpus-replay corpus-seed corpus-min lint format install dist clean FORCE
