# Everything works from a fresh clone with Python 3.11+, pip and make; `make test` and
# `make demo` set up .venv themselves.
PYTHON ?= python3
VENV := .venv
# One thread a process: small models that fight for cores crawl.
test doctest demo readme: export OMP_NUM_THREADS = 1
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint types doctest docs readme clean help

help:
	@echo "make demo     train on data with holes; a table and a picture (sksn-demo.png)"
	@echo "make test     the tests; SKSN_DATA=<folder> adds those on real data"
	@echo "make lint     ruff: rules and format"
	@echo "make types    mypy"
	@echo "make doctest  the examples in docstrings and README"
	@echo "make docs     the site, in docs/_build/html"
	@echo "make readme   the README's tables and picture"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/python -m sksn

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

doctest: $(READY)
	$(BIN)/python -m pytest --doctest-modules sksn
	$(BIN)/python -m pytest --doctest-glob="*.md" README.md

docs: $(READY)
	$(BIN)/sphinx-build --fail-on-warning --quiet docs docs/_build/html

readme: $(READY)
	$(BIN)/python benchmarks/readme.py

clean:
	rm -rf $(VENV) build dist docs/_build *.egg-info
