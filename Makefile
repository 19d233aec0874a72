# Targets for people: run, test, demo, check, build, clean, lock. Everything else is a step of theirs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --extra model --group build --universal --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --python-version 3.11 --quiet

.PHONY: lock
lock: ## resolve pyproject.toml again into requirements/*.txt (exact versions with hashes)
	$(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet uv
	$(UV_COMPILE) --upgrade --output-file requirements/run.txt
	$(UV_COMPILE) --upgrade --group dev --constraint requirements/run.txt --output-file requirements/dev.txt
