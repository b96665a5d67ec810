# make report   the main job: the demo service in two versions, evidence, verdict, pages in reports/
# make test     all tests
# Each does its own set-up: a virtual environment in .venv with pinned, hash-checked dependencies.

PYTHON ?= python3
VENV ?= .venv
REPORTS ?= reports
# Of the tests: one more than cores, as many of them wait for a service, a round or a browser.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(1 + (os.cpu_count() or 1))')
BIN := $(VENV)/bin

.PHONY: report demo test lint type format fuzz law golden docs dist licences sbom lock sample benchmark check clean setup
.DEFAULT_GOAL := report

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stabkit needs Python 3.11 or newer; name one: make PYTHON=python3.12 report")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing stabkit and what it needs into $(VENV), once: this takes a minute or more, and 1 GB."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.dev

# 0 whenever the pages were made: the verdict is in them (exit codes 1 and 3 are verdicts, not failures).
report: $(VENV)/.runtime
	@$(BIN)/stabkit demo --output $(REPORTS); code=$$?; [ $$code -eq 0 ] || [ $$code -eq 1 ] || [ $$code -eq 3 ]

demo: report

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/codespell

type: $(VENV)/.dev
	$(BIN)/mypy

# Chromium and Prometheus are system packages: .ci/run installs them. Without one its tests are skipped, and named.
test: lint type
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  echo "No Chromium here: the browser tests will be skipped (on Debian: apt-get install chromium)."
	@command -v prometheus >/dev/null || \
	  echo "No Prometheus here: the tests against a real one will be skipped (on Debian: apt-get install prometheus)."
	@# Hundreds of commands are started: where Python writes no compiled files, each would compile stabkit anew.
	@$(BIN)/python -m compileall -q stabkit
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Random damage to reports of every format, until the time is up; a reader that gives no answer fails it.
fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.read.fuzz --seconds $${SECONDS_TO_RUN:-60}

# Nothing taken away and no failure added makes a verdict greener: so many examples of every format of evidence.
law: $(VENV)/.dev
	$(BIN)/python -m tests.law --examples $${EXAMPLES:-10000}

golden: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/report --snapshot-update
	git diff --stat

# Handbook, decisions and the reference of the Python names as a site, with llms.txt; start at build/docs/index.html.
docs: $(VENV)/.runtime
	$(BIN)/python docs/build.py build/docs

# What is released, in dist/: wheel and sdist of stabkit, and the wheel of stabkit-gate, whose source is that of stabkit.
# CONTRIBUTING.md has the whole procedure.
dist: $(VENV)/.dev
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist
	cd gate && $(abspath $(BIN))/python -m hatchling build -t wheel -d ../dist
	cd dist && sha256sum *.whl *.tar.gz > SHA256SUMS

# docs/licences.md: what stabkit needs at run time, and the licence that each package states.
licences: $(VENV)/.runtime
	$(BIN)/python docs/licences.py

# The bill of materials of requirements/runtime.txt, in CycloneDX; the tool has an environment of its own.
SBOM_TOOL ?= cyclonedx-bom==7.5.0
sbom: $(VENV)/bin/python
	$(PYTHON) -m venv build/sbom-tool
	build/sbom-tool/bin/python -m pip install --quiet --disable-pip-version-check "$(SBOM_TOOL)"
	build/sbom-tool/bin/cyclonedx-py requirements requirements/runtime.txt --pyproject pyproject.toml \
	  --output-reproducible --output-file build/sbom.json
	@echo "build/sbom.json"

# 50 releases of datasette, installed, probed, tested and scanned again on this machine: a history in build/sample.
# About an hour; the machine should be quiet, and the package index in reach. Needs uv (pip install uv), git, 6 GB.
sample: $(VENV)/.dev
	$(BIN)/python -m stabkit.demo.releases --output build/sample

# Statements about change where the truth is known, beside the usual procedures; QUICK= for the full hour.
QUICK ?= --quick
benchmark: $(VENV)/.dev
	$(BIN)/python benchmarks $(QUICK)

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q
lock:
	$(LOCK) pyproject.toml --extra demo -o requirements/runtime.txt
	$(LOCK) gate/pyproject.toml -c requirements/runtime.txt -o requirements/gate.txt
	$(LOCK) pyproject.toml --all-extras --group dev -c requirements/runtime.txt -o requirements/dev.txt

check: test

clean:
	rm -rf $(VENV) $(REPORTS) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
