# The front door. `make help` lists what there is.
PYTHON ?= python3
BIN := .venv/bin
PIP := pip install --quiet --disable-pip-version-check --no-compile

# Containers often set this; then each of the tests' many processes compiles all anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test coverage check bench proof

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: .venv/.ready  ## make .venv with footfall and its tools inside

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11)' 2>/dev/null || \
	  { echo "footfall needs Python 3.11 or later; name one: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "Python's venv is missing: apt-get install python3-venv (as root)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@# uv takes seconds where pip takes a minute; pip alone knows pip's own settings, such
	@# as a mirror. Neither compiles: Python compiles what it imports.
	@{ $(BIN)/$(PIP) -c constraints.txt uv && \
	  $(BIN)/uv pip install --quiet --python .venv -c constraints.txt -e '.[dev]'; } || \
	  $(BIN)/$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup  ## load examples and a simulated chain, and serve them on 127.0.0.1:8000
	@$(BIN)/footfall demo

# Many tests wait, for a process or for time to pass: so two workers more than cores.
test: setup  ## run all tests
	@$(BIN)/pytest -n $$(($$($(BIN)/python -c 'import os; print(os.cpu_count())') + 2)) $(PYTEST_ARGS)

# What shows on both engines, waits for processes or tries many cases adds nothing here.
coverage: setup  ## run tests, and list the lines that none of them reaches
	@$(MAKE) test PYTEST_ARGS="-m 'not (second_engine or processes or exhaustive)' \
	  --cov --cov-report=term $(PYTEST_ARGS)"

check: setup  ## lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

proof: setup  ## try to lose or slow down what must not be: docs/reliability.md's table
	@$(BIN)/python -m tests.proof $(PARTS)

bench: setup  ## print the figures of docs/performance.md, measured here (STORE=postgresql://…)
	@$(BIN)/python bench/bench.py $(if $(STORE),--store $(STORE)) $(if $(PARTS),--only $(PARTS)) $(if $(EVENTS),--events $(EVENTS))
	@$(if $(PARTS),true,$(BIN)/python bench/webhooks.py --rate 1100 $(if $(STORE),--store $(STORE)))
