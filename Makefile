# `make help` lists the targets. GNU make 3.81 (macOS) is enough.
PYTHON ?= python3
BIN := .venv/bin
PREP := $(BIN)/tcae-prep

unexport TCAE_ROOT PYTHONPATH PYTHONHOME

.PHONY: help demo test check clean

help:
	@echo 'make demo    install, render talking heads, prepare, train, probe (git-ignored: .venv, workspace)'
	@echo 'make test    install what the tests need and run them; ARGS="-k pairs" runs some, without coverage'
	@echo 'make check   format, lint, types, import rules and tests: what continuous integration runs'
	@echo 'make clean   remove .venv, workspace and every cache'
	@echo 'Another Python: make PYTHON=python3.12 demo'

demo: .venv/.demo
	$(PREP) demo
	$(PREP) extract --fps 1
	$(PREP) align --workers 32
	$(PREP) split
	$(PREP) status
	$(PREP) verify
	$(PREP) report
	$(BIN)/tcae train --recipe small --steps 100
	$(BIN)/tcae probe --curve
	@echo 'The report: $(CURDIR)/workspace/report.html'

test: .venv/.dev
	$(BIN)/python -m pytest $(or $(ARGS),--cov)

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

clean:
	rm -rf .venv workspace build dist src/*.egg-info htmlcov .coverage .coverage.*
	rm -rf .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find cli manifests model pipeline tests bench -name __pycache__ -prune -exec rm -rf {} +

# Each stamp is an installation of the package with the extras that a target needs, done again when they change.
.venv/.demo: pyproject.toml setup/opencv.sh | .venv/bin/python
	$(BIN)/python -m pip install --editable '.[demo]'
	sh setup/opencv.sh $(BIN)/python
	@touch $@

.venv/.dev: pyproject.toml setup/opencv.sh | .venv/bin/python
	$(BIN)/python -m pip install --editable '.[demo,dev]'
	sh setup/opencv.sh $(BIN)/python
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
