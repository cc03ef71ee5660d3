# Two commands set everything up: `make demo` and `make test`. `make check` is all that CI asks.
PYTHON ?= python3
PHOTOS ?=
DEMO_ENV := .venv/demo
TEST_ENV := .venv/test
GANG := tests/training/test_gang.py
PIP := -m pip install --disable-pip-version-check --quiet

.PHONY: demo test lint check clean

demo: $(DEMO_ENV)/installed
	@PATH="$(CURDIR)/$(DEMO_ENV)/bin:$$PATH" sh examples/demo.sh "$(PHOTOS)"

test: $(TEST_ENV)/installed
	@# Tests start augnet hundreds of times: where Python may not keep what it compiles, each would compile it.
	$(TEST_ENV)/bin/python -m compileall -q augnet_cli
	@# Processes that train together wait for each other: beside other tests they would wait too long.
	$(TEST_ENV)/bin/python -m pytest -q $(GANG)
	@# Two processes test side by side, so each computes on one thread.
	OMP_NUM_THREADS=1 $(TEST_ENV)/bin/python -m pytest -q --numprocesses 2 --dist loadfile --no-loadscope-reorder --ignore $(GANG)

lint: $(TEST_ENV)/installed
	$(TEST_ENV)/bin/ruff check .
	$(TEST_ENV)/bin/ruff format --check .
	$(TEST_ENV)/bin/mypy

check: test lint

# A second run reuses what the first installed, until the list of dependencies changes.
$(DEMO_ENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(DEMO_ENV)
	$(DEMO_ENV)/bin/python $(PIP) --editable .
	touch $@

$(TEST_ENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(TEST_ENV)
	$(TEST_ENV)/bin/python $(PIP) --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv dist build demo-photos
