# Porter's commands; `make help` lists them. Works with GNU make 3.81 on a machine with Python 3.11 to 3.13.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTS ?= tests/unit tests/integration tests/e2e tests/chaos
SHELL := /bin/sh

.PHONY: demo test check schemas dashboards compose chaos bench bench-drain soak lock help clean
.DEFAULT_GOAL := help

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## start the whole stack, take the tour, stay up until Ctrl-C
	@$(BIN)/python -m devstack demo

test: $(READY) ## run every test that needs no Docker, chaos in its short form last
	@$(BIN)/python -m pytest $(TESTS)

check: $(READY) ## format, lint, types, imports, spelling, schema files, mails in every language
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/codespell
	@$(BIN)/python -m contracts.schemas --check
	@$(BIN)/python -m observability.drawing --check
	@$(BIN)/python -m mailer_service.mailing.checking

dashboards: $(READY) ## draw Grafana's dashboards anew
	@$(BIN)/python -m observability.drawing

schemas: $(READY) ## write the schema files and the AsyncAPI document anew
	@$(BIN)/python -m contracts.schemas

compose: $(READY) ## build the images, run the stack in containers and test it there (needs Docker)
	@$(BIN)/python -m pytest tests/compose

chaos: $(READY) ## kill, cut and stall the running stack, the long form
	@PORTER_CHAOS=long $(BIN)/python -m pytest -m chaos -s

bench: $(READY) ## measure, side by side
	@$(BIN)/python -m pytest tests/benchmarks -s -o python_files='bench_*.py'
	@$(MAKE) --no-print-directory bench-drain

bench-drain: $(READY) ## the mailer beside bare loops and Python's queues (needs Postfix for its smtp-sink)
	@$(BIN)/python -m tests.benchmarks.drain drain

soak: $(READY) ## a stack under even load for 20 minutes: nothing grows, each mail comes once
	@$(BIN)/python -m tests.benchmarks.soak --minutes 20 --people 8

lock: $(READY) ## resolve requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header -q -o requirements.lock

clean: ## remove what these commands made
	@rm -rf $(VENV) .venv-bench build .stack .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Porter needs Python 3.11, 3.12 or 3.13 on PATH: install one, for instance with 'apt-get install python3'"; exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV) >/dev/null 2>&1; } || { \
		rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment: 'apt-get install python3-venv' (or your system's package of that name)"; exit 1; }
	@echo "installing into $(VENV) (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $(READY)
