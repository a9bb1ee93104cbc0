# Albatross. `make` alone prints this help.
.DEFAULT_GOAL := help
.PHONY: help demo test bench torture scale cluster fuzz eval lint clean nextest

SHELL := /bin/bash
CARGO ?= cargo
PYTHON ?= python3
NODE ?= node

# Another binary may be given, e.g. `make demo ALBATROSS=target/debug/albatross` (built by you).
ALBATROSS ?= target/release/albatross
DEMO_LAKE ?= target/demo-lake
VENV := target/venv

help: ## print this help
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(ALBATROSS) ## build, ingest sample-data/evening/ and print the story of the night
	@rm -rf $(DEMO_LAKE)
	@run() { echo; echo "\$$ albatross $$*"; $(ALBATROSS) --lake $(DEMO_LAKE) "$$@"; }; set -e; \
	run ingest sample-data/evening; \
	run diagnose; \
	run query story; \
	run query 502_spikes --spikes-only; \
	run query max_cpu_correlation; \
	run query slow_endpoints --limit 5; \
	run query errors_by_cause; \
	run ingest sample-data/evening; \
	echo; echo "The lake is in $(DEMO_LAKE). Ask on: $(ALBATROSS) --lake $(DEMO_LAKE) queries"

target/release/albatross: FORCE
	$(CARGO) build --release --locked --package albatross

nextest:
	@command -v cargo-nextest > /dev/null || $(CARGO) install --locked cargo-nextest

# What is built is linted as it is built: clippy is the compiler with more to say, and on its own it would check all dependencies a second time.
LINTED := RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings__CLIPPY_HACKERY__
test: venv browser nextest ## format and lint checks, then all tests
	$(CARGO) fmt --all --check
	$(LINTED) $(CARGO) build --locked --workspace --all-targets
	$(LINTED) ALBATROSS_TEST_PYTHON=$(CURDIR)/$(VENV)/bin/python ALBATROSS_TEST_NODE=$(NODE) $(CARGO) nextest run --locked --workspace

lint: ## format and lint checks alone
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

# Outside readers of the lake, an S3 server for the tests, and DuckDB for the benchmark's short form.
.PHONY: venv
venv: $(VENV)/done
$(VENV)/done: tests/readers/requirements.txt tests/s3/requirements.txt bench/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/readers/requirements.txt -r tests/s3/requirements.txt -r bench/requirements.txt
	touch $@

# What opens reports in a browser: packages for Node, and a Chromium.
.PHONY: browser
browser: target/browser-test
	@command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null || { \
		command -v apt-get > /dev/null || { echo "make test opens reports in a browser: install Chromium or Chrome"; exit 1; }; \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); $$as_root apt-get update -q && $$as_root apt-get install -y chromium; }
target/browser-test: tests/report/package.json tests/report/package-lock.json
	@command -v npm > /dev/null || { echo "make test opens reports in a browser: install Node.js 20 or later, with npm"; exit 1; }
	cd tests/report && npm ci
	mkdir -p $(@D) && touch $@

BENCH_ARGS ?=
bench: venv ## measure ingest and queries against zcat and DuckDB (long)
	$(CARGO) build --release --locked $(MEASURED)
	$(CARGO) build --release --locked --package albatross-formats --example decode
	$(VENV)/bin/python bench/run.py $(PROGRAMS) $(DECODE) $(BENCH_ARGS)

TORTURE_ARGS ?= --s3 --faults
torture: venv ## kill ingest and maintain at random, let several work at once and requests fail, compare (long)
	$(CARGO) build --release --locked $(MEASURED)
	$(VENV)/bin/python tests/torture/torture.py $(PROGRAMS) $(TORTURE_ARGS)

SCALE_ARGS ?=
scale: venv java ## several workers on one lake, how fast commits go, and whether Spark reads the lake (long)
	$(CARGO) build --release --locked $(MEASURED)
	$(CARGO) build --release --locked $(MEASURED) --package albatross-lake --example commits
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/scale/requirements.txt
	$(VENV)/bin/python tests/scale/scale.py $(PROGRAMS) --commits target/release/examples/commits $(SCALE_ARGS)

# What Spark runs on.
.PHONY: java
java:
	@command -v java > /dev/null || { \
		command -v apt-get > /dev/null || { echo "make scale runs Spark: install Java 17 or later"; exit 1; }; \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); $$as_root apt-get update -q && $$as_root apt-get install -y openjdk-17-jre-headless; }

MEASURED := --package albatross --package albatross-simulate --package albatross-testbed
PROGRAMS := --albatross target/release/albatross --simulate target/release/simulate --loopback target/release/loopback-s3
DECODE := --decode target/release/examples/decode

EVAL_ARGS ?=
eval: ## judge diagnose by incidents whose truth is known; print the confusion table (long)
	$(CARGO) build --release --locked --package albatross --package albatross-incidents
	$(PYTHON) tests/eval/eval.py --albatross target/release/albatross --incidents target/release/incidents $(EVAL_ARGS)

# The stock programs of Apache DataFusion Ballista, of the version whose client we are.
BALLISTA_VERSION := 55.0.0
CLUSTER_ARGS ?=
cluster: venv ## run all queries on stock Ballista schedulers and executors, kill one, compare (long: it builds Ballista)
	$(CARGO) build --release --locked $(MEASURED)
	CARGO_TARGET_DIR=target/ballista/build $(CARGO) install --locked --root target/ballista --version $(BALLISTA_VERSION) ballista-scheduler ballista-executor
	$(VENV)/bin/python tests/cluster/cluster.py --albatross target/release/albatross --simulate target/release/simulate --ballista target/ballista/bin $(CLUSTER_ARGS)

FUZZ_SECONDS ?= 600
fuzz: ## feed bytes to every decoder (ten minutes)
	@command -v cargo-fuzz > /dev/null || $(CARGO) install --locked cargo-fuzz
	$(PYTHON) fuzz/seed.py crates/formats/tests/fixtures crates/formats/src/format.rs target/fuzz-corpus
	$(CARGO) fuzz run --sanitizer none --target-dir target/fuzz decode target/fuzz-corpus fuzz/corpus/decode -- \
		-max_total_time=$(FUZZ_SECONDS) -max_len=8192 -print_final_stats=1

clean: ## remove everything that was built
	$(CARGO) clean

.PHONY: FORCE
FORCE:
