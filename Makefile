# `make help` lists the targets. Set-up is incremental: each step leaves a stamp in .venv and is done once.
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

# Set-up

$(VENV)/venv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit("AIMux needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": set PYTHON=python3.11, for example") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This needs Debian's package python3-venv; installing it"; \
		apt-get install -y python3-venv || { echo "Install it, then run make again: sudo apt-get install python3-venv"; exit 1; }; }
	@echo "Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: requirements/run.txt pyproject.toml hatch_build.py | $(VENV)/venv.stamp
	@echo "Installing the dependencies (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "Installing the tools for tests and checks"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/fuzz.stamp: requirements/fuzz.txt $(VENV)/dev.stamp
	@echo "Installing the fuzzer"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

$(VENV)/otel.stamp: requirements/otel.txt $(VENV)/run.stamp
	@echo "Installing OpenTelemetry"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/otel.txt
	@touch $@

$(MODEL): | $(VENV)/run.stamp
	@$(BIN)/aimux model pull --output $(MODEL)

# The web page: built where Node.js is, left out where it is not. What it knows of the gateway's answers is generated from
# the gateway's own description, so that a page which does not fit them cannot be built.

NODE_FITS := $(shell node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null && command -v npm >/dev/null && echo yes)
PAGE_SOURCES := $(shell find dashboard -type f -not -path '*/node_modules/*' -not -path '*/build/*' -not -name '*.gen.ts')

dashboard/build/installed.stamp: dashboard/package.json dashboard/package-lock.json
	@echo "Installing what the dashboard is built with"
	@cd dashboard && npm ci --ignore-scripts --no-audit --no-fund --silent
	@mkdir -p $(@D) && touch $@

dashboard/build/openapi.json: $(VENV)/run.stamp src/aimux/core/reason.py src/aimux/edge/openapi.py $(wildcard src/aimux/edge/*_models.py)
	@mkdir -p $(@D)
	@$(BIN)/aimux openapi > $@.new && mv $@.new $@

dashboard/src/api.gen.ts: dashboard/build/openapi.json dashboard/build/installed.stamp
	@cd dashboard && npm run --silent types > /dev/null

dashboard/build/checked.stamp: dashboard/src/api.gen.ts $(PAGE_SOURCES)
	@cd dashboard && npm run --silent check
	@touch $@

src/aimux/bundle/dashboard/index.html: dashboard/build/checked.stamp
	@echo "Building the dashboard"
	@cd dashboard && npm run --silent build -- --logLevel warn
	@touch $@

.PHONY: dashboard
ifeq ($(NODE_FITS),yes)
dashboard: src/aimux/bundle/dashboard/index.html ## build the web page at /dashboard/; needs Node.js 20.19 or newer
	@:
else
dashboard:
	@echo "The dashboard is not built: that needs Node.js 20.19 or newer with npm; the gateway runs without it"
endif

.PHONY: setup
setup: $(VENV)/run.stamp $(MODEL)
	@$(MAKE) --no-print-directory dashboard || echo "The dashboard could not be built; the gateway runs without it"

# Debian's browser, for the tests of the page; where it cannot be had they say why they are skipped.
.PHONY: browser
browser:
	@command -v chromium > /dev/null || { \
		echo "The browser tests need Chromium; installing it"; \
		(apt-get update && apt-get install -y --no-install-recommends chromium) > /dev/null 2>&1 \
		|| echo "It could not be installed, so they are skipped: sudo apt-get install chromium"; }

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
test: setup $(VENV)/dev.stamp browser ## run the whole test suite
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
check: $(VENV)/dev.stamp $(if $(NODE_FITS),dashboard/build/checked.stamp) ## formatter check, linter, type check, import contracts, security linter, advisories
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml src bench checks clients hatch_build.py
	$(BIN)/python -m checks.advisories

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
instructions: setup ## instructions that a seen request costs, by callgrind; AGAINST=python of another checkout's .venv to compare
	@$(BIN)/python -m bench.instructions $(if $(AGAINST),--against $(AGAINST))
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
	rm -rf $(VENV) models dist build dashboard/node_modules dashboard/build dashboard/src/api.gen.ts src/aimux/bundle/dashboard
	rm -rf bench/results bench/.peers clients/.envs clients/.results fuzz/findings .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Resolving again needs uv, which is installed into the environment just for it.
LOCK := uv pip compile --universal --generate-hashes --upgrade \
	--no-emit-index-url --no-header --no-annotate --python-version 3.11 --quiet
LOCKED := pyproject.toml --extra model --group build
LOCK_NPM := rm -f package-lock.json && npm install --package-lock-only --ignore-scripts --no-audit --no-fund \
	--omit-lockfile-registry-resolved=true --silent && node --input-type=commonjs --eval 'const fs = require("fs"), \
	f = "package-lock.json", lock = JSON.parse(fs.readFileSync(f)); for (const each of Object.values(lock.packages)) \
	delete each.funding; fs.writeFileSync(f, JSON.stringify(lock, null, 2) + "\n")'

# npm notes whom to thank for each package: no address of any kind stays in a lock.
.PHONY: lock
lock: $(VENV)/venv.stamp ## resolve all dependencies again, exact versions with hashes; needs npm
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/$(LOCK) $(LOCKED) --output-file requirements/run.txt > /dev/null
	$(BIN)/$(LOCK) $(LOCKED) --extra otel --constraint requirements/run.txt --output-file requirements/otel.txt > /dev/null
	$(BIN)/$(LOCK) $(LOCKED) --extra otel --group dev --constraint requirements/run.txt --output-file requirements/dev.txt > /dev/null
	$(BIN)/$(LOCK) --group fuzz --output-file requirements/fuzz.txt > /dev/null
	$(BIN)/$(LOCK) --group litellm --output-file bench/pinned/litellm.txt > /dev/null
	$(BIN)/$(LOCK) --group semantic-router --output-file bench/pinned/semantic-router.txt > /dev/null
	$(foreach folder,bench/pinned/portkey dashboard,cd $(CURDIR)/$(folder) && $(LOCK_NPM) && ) true
