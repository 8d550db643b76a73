# Everything works from a fresh clone with Python 3.11+, pip and make; `make test` and
# `make demo` set up .venv themselves.
PYTHON ?= python3
VENV := .venv
# One thread a process: small models become slow when threads compete for cores.
test test-slow test-peers test-lowest fuzz doctest demo docs readme: export OMP_NUM_THREADS = 1
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# How many random cases `make fuzz` tries.
CASES ?= 100000

.PHONY: demo test test-slow test-peers test-lowest fuzz lint types doctest docs look readme release-check clean help

help:
	@echo "make demo       train on data with missing values; a table and a picture (sksn-demo.png)"
	@echo "make test       the tests of a few seconds; SKSN_DATA=<folder> adds those on real data"
	@echo "make test-slow  the tests that take longer, those of the benchmarks among them"
	@echo "make test-peers  the installed tests of scikit-learn, over classes of sksn"
	@echo "make test-lowest  the quick tests with the lowest versions that pyproject.toml accepts"
	@echo "make fuzz       100,000 random cases (CASES=<number>): matrices, tiny fits, interrupts"
	@echo "make lint       ruff: rules and format"
	@echo "make types      mypy"
	@echo "make doctest    the examples in docstrings, README and the site"
	@echo "make docs       the site, in docs/_build/html; runs the examples"
	@echo "make look       screenshots and checks of the site by Chromium (Debian: apt-get install chromium)"
	@echo "make readme     the table and the picture of the README, and those of the demo"
	@echo "make release-check  builds sdist and wheel, and tests both in a clean environment"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/python -m sksn

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

# The lists of tests that do not carry over are those of scikit-learn in constraints.txt.
test-peers: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/peers

# Warnings are no errors here: old versions of libraries warn of new versions of others.
test-lowest:
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet --constraint constraints-lowest.txt --editable ".[test]"
	$(VENV)-lowest/bin/python -m pytest -n 2 --dist worksteal -m "not slow" -o filterwarnings=default

fuzz: $(READY)
	SKSN_FUZZ=$(CASES) $(BIN)/python -m pytest -n 2 --dist worksteal tests/fuzz

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

doctest: $(READY)
	$(BIN)/python -m pytest --doctest-modules sksn
	$(BIN)/python -m pytest --doctest-glob="*.md" --doctest-glob="*.rst" README.md docs/quickstart docs/howto docs/all.rst

docs: $(READY)
	$(BIN)/sphinx-build --fail-on-warning --quiet docs docs/_build/html

look: docs
	$(BIN)/python docs/look.py docs/_build/html docs/_look

release-check:
	PYTHON=$(PYTHON) .ci/release-check

readme: $(READY)
	$(BIN)/python -m benchmarks report readme

clean:
	rm -rf $(VENV) $(VENV)-lowest build dist *.egg-info docs/_build docs/_look docs/auto_examples docs/generated
