# Everything a developer types. `make demo` and `make test` set up what they need.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
WORKERS ?= 3
export UV_COMPILE_BYTECODE = 1

.PHONY: help demo test test-all storm lint format types floors bench bench-peers requirements wheel clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# uv is faster; plain pip does the same where uv cannot be had.
$(READY): requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Spine needs Python 3.11 or newer; this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12 " if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv \
	  && $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt \
	  && $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . \
	  || { $(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt \
	  && $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable . ; }
	touch $(READY)

demo: $(READY) ## the flights ETL on SQLite: 31 days, two failures, resumed
	$(BIN)/python -m examples.flights.demo

lint: $(READY) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

floors: $(READY) ## import-linter: a floor imports only floors below it
	$(BIN)/lint-imports --no-cache

test: lint types floors ## lint, types, floors and every test, on real databases
	$(BIN)/python -m pytest -n $(WORKERS) -q

test-all: ## the suite on every Python from 3.11 that this machine has
	@set -e; for python in $$(.ci/pythons); do \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "== Python $$version"; $(MAKE) --no-print-directory test PYTHON=$$python VENV=.venvs/$$version; \
	done

storm: $(READY) ## kills, cuts, races and more for STORM_MINUTES (5); see docs/storms.md
	$(BIN)/python -m tests.storm

$(VENV)/.ready-bench: $(READY) benchmarks/requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r benchmarks/requirements.txt \
	  || $(BIN)/python -m pip install --quiet --require-hashes -r benchmarks/requirements.txt
	touch $@

bench: $(VENV)/.ready-bench ## what each step costs against the bare driver, and against the peers if they are installed
	$(BIN)/python -m benchmarks $(BENCH)

bench-peers: $(READY) ## install the peers into .venv-peers, and measure them beside Spine
	test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	$(BIN)/uv pip install --quiet --python .venv-peers/bin/python --require-hashes -r benchmarks/requirements-peers.txt \
	  || .venv-peers/bin/python -m pip install --quiet --require-hashes -r benchmarks/requirements-peers.txt
	$(MAKE) --no-print-directory bench BENCH=peers

format: $(READY) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: $(READY) ## pin the newest versions that fit pyproject.toml, with hashes
	$(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --custom-compile-command 'make requirements' --group dev pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --custom-compile-command 'make requirements' -c requirements-dev.txt benchmarks/requirements.in \
	  -o benchmarks/requirements.txt
	$(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --custom-compile-command 'make requirements' benchmarks/requirements-peers.in \
	  -o benchmarks/requirements-peers.txt

wheel: $(READY) ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist .

clean: ## remove what the targets above made
	rm -rf $(VENV) .venvs .venv-peers build dist .mypy_cache .ruff_cache
