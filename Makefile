# `make run` and `make test` need only make and Python 3.11; everything else comes from the pins in requirements/.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test test-long lint format lock bench clean help
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(VENV)/.run: requirements/run.txt requirements/build.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || { echo 'crossings needs Python 3.11 or newer; set PYTHON=/path/to/python3.11'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing the pinned dependencies into $(VENV) (one to two minutes the first time) ...'
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	@echo 'Installing the pinned test tools into $(VENV) ...'
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

run: $(VENV)/.run  ## make the environment and run the main job on the register
	@$(BIN)/crossings run

# Whole modules go to a worker, slow ones first; each worker has its own lakes and ports, the real release is made once.
PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: $(VENV)/.test  ## make the environment and run the suite
	@$(PYTEST)

test-long: $(VENV)/.test  ## the laws on many more examples, long fuzzing, simulations; fixed seeds
	@$(PYTEST) -m 'long or law' --hypothesis-profile long

lint: $(VENV)/.test  ## ruff, formatting, mypy (the public face as callers see it, too) and the layer contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy --strict --no-warn-unused-configs tests/typing/api.py
	@$(BIN)/lint-imports

bench: $(VENV)/.test  ## speed, memory and accuracy, side by side with what a user would pick instead
	@for b in benchmarks/*.py; do echo "== $$b"; $(BIN)/python $$b || exit 1; done

lock:  ## renew the pins (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate -q -o requirements/run.txt
	uv pip compile pyproject.toml --group test --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate -q -c requirements/run.txt -o requirements/test.txt
	printf 'editables>=0.5\nhatchling>=1.27\n' | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate -q -c requirements/test.txt -o requirements/build.txt

clean:  ## remove the environment and the lake
	rm -rf $(VENV) data/lake
