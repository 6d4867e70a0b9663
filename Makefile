# make train: set up .venv and teach a captioner to describe pictures. make test: set up and test.
PYTHON ?= $(firstword $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p; done) python3)
BIN = .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
ARGS ?= experiments=captioning_scenes
NAMES ?=

.PHONY: train test test-all lint format results benchmarks clean

train: .venv/base
	@$(BIN)/python train.py $(ARGS)

test: .venv/test
	@$(BIN)/python -m pytest -n 2 -m "not slow" $(PYTEST)

test-all: .venv/test
	@$(BIN)/python -m pytest -n 2 $(PYTEST)

lint: .venv/test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/basedpyright

format: .venv/test
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

results: .venv/test
	@$(BIN)/python -m benchmarks.results $(NAMES)

benchmarks: .venv/test
	@$(BIN)/python -m benchmarks.all

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, {sys.executable} is {sys.version.split()[0]}. Use make PYTHON=...")'
	@echo "1/2  .venv, with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv

.venv/base: .venv/bin/python pyproject.toml constraints.txt
	@echo "2/2  crossmedia and the tested versions of what it needs (constraints.txt)"
	@$(PIP) install --quiet -c constraints.txt -e '.[speech]'
	@touch $@

.venv/test: .venv/base
	@echo "     what the tests need"
	@$(PIP) install --quiet -c constraints.txt -e '.[test]'
	@touch $@

clean:
	@rm -rf .venv outputs
