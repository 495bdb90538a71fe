# Weir's tasks. `make` alone lists them; each sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
FETCHED := .venv/.kafka-fetched
MINUTES ?= 10
SEED ?= $(shell date +%s)

include tests/tools.mk

.PHONY: help setup demo test test-chart chart-readme chaos exhaustive soak lint format bench lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) $(FETCHED) ## Make .venv with everything in it, and fetch Apache Kafka's jars

demo: setup ## Show the whole story on this machine: real Kafka, sample events, five vendors
	$(BIN)/weir demo

test: setup $(CHECKERS) $(BUBBLEWRAP) $(CHART_TOOLS) ## Run the tests, those against a real Kafka included
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(LEAVE_OUT)

test-chart: setup $(CHECKERS) $(CHART_TOOLS) ## Run the Helm chart's tests alone
	$(if $(LEAVE_OUT),,$(BIN)/pytest tests/chart)

chart-readme: $(TOOLS)/helm-docs ## Write the chart's README from its values
	$(TOOLS)/helm-docs --chart-search-root helm/weir --sort-values-order file

chaos: setup ## Run every fault of workers and brokers, the slow ones too: half an hour on two cores
	$(BIN)/pytest tests/chaos tests/integration/test_replay_faults.py -m ""

exhaustive: setup ## Hold 100,000 random events of random policies against the reference interpreter
	$(BIN)/pytest tests/property/test_compiled_policy.py -m exhaustive

soak: setup ## Random faults under load, then the count of every record: make soak MINUTES=10 SEED=1
	$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES) --seed $(SEED)

lint: $(READY) ## Check style, types and the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Measure the pipeline against plain Faust in one run
	$(BIN)/weir bench pipeline

lock: $(READY) ## Pin all dependencies anew, with hashes
	$(BIN)/uv pip compile pyproject.toml --group dev $(COMPILE) -o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml -c requirements-dev.lock $(COMPILE) -o requirements.lock
	$(BIN)/uv pip compile --group build -c requirements-dev.lock $(COMPILE) -o requirements-build.lock
	$(BIN)/uv pip compile tests/checkers.in $(COMPILE) -o tests/checkers.lock

clean: ## Remove .venv and everything made by tools
	rm -rf .venv .venv-checkers .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		.coverage dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

COMPILE := --quiet --generate-hashes --no-header --no-annotate --python-version 3.11

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "Weir needs Python 3.11: install it, or say where it is with make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing: apt-get install python3.11-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(FETCHED): $(READY) service/broker/pom.xml
	$(BIN)/python -m service.broker.fetch
	@touch $@
