# Two commands do everything: `make demo` and `make test`. Both set up .venv by themselves.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help demo dev test soak lint types check build docs bench lock clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Turnout needs Python 3.11 or newer; set PYTHON=python3.x")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: $(STAMP) ## the main job, end to end, on real data with sandboxed platforms
	$(BIN)/turnout demo

dev: $(STAMP) ## the Dagster UI over the demo's data
	$(BIN)/turnout dev

test: $(STAMP) ## every test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

soak: $(STAMP) ## random histories judged by a model (HISTORIES=1000 JOBS=2; SEED=123 repeats one)
	@$(BIN)/python -m tests.histories.soak $(if $(HISTORIES),--histories $(HISTORIES)) $(if $(JOBS),--jobs $(JOBS)) $(if $(SEED),--seed $(SEED))

lint: $(STAMP) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## static types
	$(BIN)/mypy

check: lint types ## lint and types, and every segment definition
	$(BIN)/turnout segments --check

build: $(STAMP) ## wheel and source archive, into dist/
	$(BIN)/python -m build --no-isolation --quiet

docs: $(STAMP) ## write the made tables: settings and exit codes from the code, docs/reliability.md from the tests
	$(BIN)/python -m tests.documents
	$(BIN)/python -m tests.catalogue

bench: $(STAMP) ## the benchmarks at small sizes; bench/README.md has the large ones
	$(BIN)/python -m bench.bench_push --members 200000
	$(BIN)/python -m bench.bench_journal --members 50000 --rounds 1
	$(BIN)/python -m bench.bench_budget --requests 500 --rounds 3
	$(BIN)/python -m bench.bench_normalise --rows 200000
	$(BIN)/python -m bench.bench_fast_paths --rows 20000
	$(BIN)/python -m bench.bench_definitions --keys 100 1000
	$(BIN)/python -m bench.bench_catalogue --copies 4

lock: ## rewrite requirements.lock from pyproject.toml (hashes, no index addresses)
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet uv
	.venv-lock/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --custom-compile-command "make lock" --output-file requirements.lock
	@rm -rf .venv-lock

clean: ## forget the environment and everything the demo made
	rm -rf .venv .turnout dist
