# Python with venv and make are all that a fresh machine needs; every target sets up .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: setup run demo test check format screenshots bench lock help

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "botdesk needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	@echo "setting up .venv, which takes half a minute"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(READY)  ## make .venv from the locked dependencies
	@echo "ready: 'make run' opens botdesk, 'make help' shows the rest"

run: $(READY)  ## open botdesk on your own desk
	@$(BIN)/botdesk

demo: $(READY)  ## open botdesk on a throw-away copy of the demo desk
	@$(BIN)/botdesk demo

test: $(READY)  ## run the tests; STORE=postgresql: every one on that engine
	@$(BIN)/pytest -n auto

check: $(READY)  ## lint, types and the floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY)  ## put the code in its form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

screenshots: $(READY)  ## draw screenshots/ from the demo desk
	@$(BIN)/python -m tests.tui.screenshots

bench: $(READY)  ## measure, each against a peer; BENCH=full: large sizes, too
	@$(BIN)/python -m benchmarks

lock:  ## pin the dependencies anew (needs uv)
	@uv pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11 --extra gate --group dev pyproject.toml -o requirements.lock --quiet

help:  ## this list
	@grep -hE '^[a-z]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/:.*  ## /\t/' | expand -t 14
