# Set-up: each step leaves a stamp and is done once. Included by the Makefile.

# A folder that was moved or copied, or whose Python is gone, gets a new virtual environment, and all that is in it.
VENV_FITS := $(shell [ "$$(cat $(VENV)/venv.stamp 2>/dev/null)" = "$$(pwd -P)" ] && $(BIN)/python -c "" 2>/dev/null && echo yes)
ifneq ($(VENV_FITS),yes)
.PHONY: $(VENV)/venv.stamp
endif
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/venv.stamp:
	@make/venv.sh $(VENV) "$(PYTHON)"

$(VENV)/run.stamp: requirements/run.txt pyproject.toml hatch_build.py $(VENV)/venv.stamp
	@echo "Installing the dependencies (about a minute the first time)"
	@$(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "Installing the tools for tests and checks"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/fuzz.stamp: requirements/fuzz.txt $(VENV)/dev.stamp
	@echo "Installing the fuzzer"
	@$(PIP) --require-hashes -r requirements/fuzz.txt
	@touch $@

$(VENV)/otel.stamp: requirements/otel.txt $(VENV)/run.stamp
	@echo "Installing OpenTelemetry"
	@$(PIP) --require-hashes -r requirements/otel.txt
	@touch $@

$(MODEL): | $(VENV)/run.stamp
	@$(BIN)/aimux model pull --output $(MODEL)

# Node.js, for the dashboard: the machine's, where it is of a version that the build's packages support, else one from the
# Python package index.

NODE_FITS := $(shell node -e 'const [a, b] = process.versions.node.split(".").map(Number); \
	process.exit(a > 23 || b >= {20: 19, 22: 13, 23: 5}[a] ? 0 : 1)' 2>/dev/null && npm --version >/dev/null 2>&1 && echo yes)
ifneq ($(NODE_FITS),yes)
NODE := $(VENV)/node.stamp
WITH_NODE := PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH"
endif

$(VENV)/node.stamp: requirements/node.txt $(VENV)/venv.stamp
	@echo "This machine has no Node.js that the dashboard can be built with: installing one into $(VENV)"
	@$(PIP) --require-hashes -r requirements/node.txt
	@make/node.sh $(VENV)
	@touch $@

# The dashboard. What it knows of the gateway's answers is generated from the gateway's own description, so that a page
# which does not fit them cannot be built.

FORMAT := $(wildcard src/aimux/audit/format/*.py)
API := src/aimux/core/reason.py src/aimux/admin/openapi.py $(wildcard src/aimux/admin/*models.py) $(FORMAT)
PAGE := src/aimux/bundle/dashboard/index.html
PAGE_SOURCES := $(shell find dashboard -type f -not -path '*/node_modules/*' -not -path '*/build/*' -not -name '*.gen.ts')
TRY_AGAIN := rm -f dashboard/build/failed.stamp

dashboard/build/installed.stamp: dashboard/package.json dashboard/package-lock.json $(NODE)
	@echo "Installing what the dashboard is built with"
	@cd dashboard && $(WITH_NODE) npm ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null
	@mkdir -p $(@D) && touch $@ && $(TRY_AGAIN)

dashboard/build/openapi.json: $(VENV)/run.stamp $(API)
	@mkdir -p $(@D)
	@$(BIN)/aimux openapi > $@.new && mv $@.new $@

dashboard/src/api.gen.ts: dashboard/build/openapi.json dashboard/build/installed.stamp
	@cd dashboard && $(WITH_NODE) npm run --silent types > /dev/null

dashboard/src/fields.gen.ts: $(VENV)/run.stamp $(FORMAT)
	@$(BIN)/python -m aimux.audit.format.typescript > $@.new && mv $@.new $@

dashboard/build/checked.stamp: dashboard/src/api.gen.ts dashboard/src/fields.gen.ts $(PAGE_SOURCES)
	@cd dashboard && $(WITH_NODE) npm run --silent check
	@touch $@ && $(TRY_AGAIN)

$(PAGE): dashboard/build/checked.stamp
	@echo "Building the dashboard"
	@cd dashboard && $(WITH_NODE) npm run --silent build -- --logLevel warn
	@touch $@ && $(TRY_AGAIN)

.PHONY: dashboard
dashboard: $(PAGE) ## build the web page at /dashboard/, with the machine's Node.js or one from the package index
	@:

.PHONY: setup
setup: $(VENV)/run.stamp $(MODEL)
	@MAKE="$(MAKE)" make/dashboard.sh $(PAGE_SOURCES) $(API) requirements/node.txt
