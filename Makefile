# `make help` lists the targets. Set-up is in make/setup.mk.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL := models/all-MiniLM-L6-v2.onnx
CONFIG ?= aimux.yaml
SECONDS ?= 60
TEST_PROCESSES ?= 2

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

include make/setup.mk

# Debian's programs for some of the tests; where they cannot be had, these tests say why they are skipped.
.PHONY: test-tools browser
test-tools:
	@make/tools.sh chromium nginx patch wrk
browser:
	@make/tools.sh chromium

# What people run

.PHONY: run
run: setup ## set up, then run the gateway and the example agents of aimux.yaml on http://localhost:8080
	@$(BIN)/python -m aimux.demo.playground --config $(CONFIG)

.PHONY: telemetry
telemetry: $(VENV)/otel.stamp ## add OpenTelemetry, so that make run exports where OTEL_* variables say so

.PHONY: demo
demo: setup ## play the agent-mesh story against a gateway of its own
	@$(BIN)/aimux demo

.PHONY: test
test: setup $(VENV)/dev.stamp test-tools ## run the whole test suite
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile $(PYTEST_ARGS)

.PHONY: kills
kills: setup $(VENV)/dev.stamp ## kill the gateway fifty times amid traffic, and look for what the audit log lacks
	AIMUX_TEST_KILLS=50 $(BIN)/python -m pytest -q tests/e2e/test_audit_under_harm.py

.PHONY: long
long: setup $(VENV)/dev.stamp ## what a test run cuts short: 100,000 unknown names, 20 random requests to each endpoint, faults under load
	AIMUX_TEST_LOAD=1 $(BIN)/python -m pytest -q --timeout 600 -m fault
	AIMUX_TEST_NAMES=100000 AIMUX_TEST_EXAMPLES=20 \
		$(BIN)/python -m pytest -q --timeout 600 tests/e2e/test_many_names.py tests/edge/test_management_api.py

.PHONY: screenshots
screenshots: setup $(VENV)/dev.stamp browser ## take the pictures of the dashboard that the documents show
	AIMUX_SCREENSHOTS=1 $(BIN)/python -m pytest -q tests/browser/test_dashboard_looks.py

.PHONY: check
check: $(VENV)/dev.stamp dashboard/build/checked.stamp ## formatter check, linter, type check, import contracts, security linter, advisories
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml src bench checks clients hatch_build.py
	$(BIN)/python -m checks.advisories

.PHONY: fresh
fresh: ## follow the README on a bare Debian 12 in a chroot, with and without root; FULL=1 runs the whole test suite there
	@command -v mmdebstrap > /dev/null || make/packages.sh optional "This needs mmdebstrap" mmdebstrap
	@$(PYTHON) -m checks.fresh $(if $(filter-out 0,$(FULL)),--full) $(FRESH_ARGS)

.PHONY: bench
bench: setup ## the benchmarks, beside nginx, Envoy, Portkey and LiteLLM; QUICK=1 takes less than three minutes
	@QUICK=$(QUICK) $(BIN)/python -m bench.run $(BENCH_ARGS)

.PHONY: slowhttptest
slowhttptest: setup ## slow attacks on the gateway, and what a good client notices; about a quarter of an hour
	@$(BIN)/python -m bench.slowhttptest $(SLOW_ARGS)

.PHONY: overload
overload: setup ## five times the load that the model can bear, and what is served of it; about four minutes
	@$(BIN)/python -m bench.overload $(OVERLOAD_ARGS)

.PHONY: costs
costs: setup ## what one hostile client can make the gateway spend for each byte; about three minutes
	@$(BIN)/python -m bench.costs $(COSTS_ARGS)

.PHONY: instructions
instructions: setup ## instructions that a request costs, by callgrind; AGAINST=python of another checkout's .venv, KINDS=seen refused new
	@$(BIN)/python -m bench.instructions $(if $(AGAINST),--against $(AGAINST)) $(if $(KINDS),--kinds $(KINDS))
.PHONY: frames
frames: setup $(VENV)/dev.stamp ## what frameworks write under the user's role, captured from them anew; NEWEST=1 reads their newest releases
	@$(BIN)/python clients/capture_frames.py $(if $(filter-out 0,$(NEWEST)),--newest) $(FRAMES_ARGS)

# A quick run is too rough for the document.
.PHONY: bench-routing
bench-routing: setup ## how well texts find their routes, on labelled data; QUICK=1 takes two minutes
	@QUICK=$(QUICK) OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.routing $(if $(filter-out 0,$(QUICK)),,--write-docs) $(ROUTING_ARGS)

.PHONY: clients
clients: setup ## real SDKs and agent frameworks at a gateway, for docs/clients.md; CLIENT=openai for one, NEWEST=1 for the newest
	@NEWEST=$(NEWEST) $(BIN)/python -m clients.run $(CLIENT)

.PHONY: fuzz
fuzz: $(VENV)/fuzz.stamp ## fuzz every parser, SECONDS=60 for all of them together; TARGET=json for one
	@$(BIN)/python -m fuzz.run --seconds $(SECONDS) $(if $(TARGET),--target $(TARGET))

.PHONY: build
build: setup ## sdist and wheel in dist/, the wheel with the model inside
	@rm -rf dist
	$(BIN)/python -m hatchling build

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf $(VENV) models dist build dashboard/node_modules dashboard/build dashboard/src/*.gen.ts src/aimux/bundle/dashboard
	rm -rf bench/results bench/.peers clients/.envs clients/.results fuzz/findings .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Resolving again needs uv, which is installed into the environment just for it.
LOCK := uv pip compile --universal --generate-hashes --upgrade \
	--no-emit-index-url --no-header --no-annotate --python-version 3.11 --quiet
LOCKED := pyproject.toml --extra model --group build
LOCK_NPM := rm -f package-lock.json && $(WITH_NODE) npm install --package-lock-only --ignore-scripts --no-audit --no-fund \
	--omit-lockfile-registry-resolved=true --silent && $(WITH_NODE) node --input-type=commonjs --eval 'const fs = require("fs"), \
	f = "package-lock.json", lock = JSON.parse(fs.readFileSync(f)); for (const each of Object.values(lock.packages)) \
	delete each.funding; fs.writeFileSync(f, JSON.stringify(lock, null, 2) + "\n")'

# npm notes whom to thank for each package: no address of any kind stays in a lock.
.PHONY: lock
lock: $(VENV)/venv.stamp $(NODE) ## resolve all dependencies again, exact versions with hashes
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/$(LOCK) $(LOCKED) --output-file requirements/run.txt > /dev/null
	$(BIN)/$(LOCK) $(LOCKED) --extra otel --constraint requirements/run.txt --output-file requirements/otel.txt > /dev/null
	$(BIN)/$(LOCK) $(LOCKED) --extra otel --group dev --constraint requirements/run.txt --output-file requirements/dev.txt > /dev/null
	$(BIN)/$(LOCK) --group fuzz --output-file requirements/fuzz.txt > /dev/null
	$(BIN)/$(LOCK) --group node --output-file requirements/node.txt > /dev/null
	$(BIN)/$(LOCK) --group litellm --output-file bench/pinned/litellm.txt > /dev/null
	$(BIN)/$(LOCK) --group semantic-router --output-file bench/pinned/semantic-router.txt > /dev/null
	$(foreach folder,bench/pinned/portkey dashboard,cd $(CURDIR)/$(folder) && $(LOCK_NPM) && ) true
