# Everything happens in one environment, .venv: made on first use, and made again when pyproject.toml changes.
# pip's own settings apply while it is made; README.md names the one that brings the small, CPU-only PyTorch.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
APPS := .venv/.apps
BENCHMARKS := step_latency cold_start parity int8_latency batches executorch_step generator train_step

TARGETS := ethos-u webgpu arm64

.PHONY: help setup apps demo demo-web apk test test-targets lint bench clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    export the bundled model, solve puzzles with it, print parity and latency"
	@echo "make demo-web  serve the page that solves in the browser, with the bundled models; Ctrl-C ends it"
	@echo "make apk     build the Android app with the bundled models, signed and checked"
	@echo "make test    lint, types, import rules and the whole test suite"
	@echo "make lint    the first three alone, and the page's types where its packages are"
	@echo "make setup   the environment alone"
	@echo "make apps    what the apps' tests need beside it, from npm and Maven (1 GB)"
	@echo "make test-targets  install what heavy targets need (GB, minutes), and run their tests alone"
	@echo "make bench   measure again what the pages publish, and put the numbers into them"
	@echo "make clean   remove .venv and what the tools leave behind"

setup: $(READY)

demo: $(READY)
	@$(BIN)/trm-edge demo

demo-web: $(READY)
	@for name in sudoku-9x9 sudoku-4x4; do \
	  test -f build/demo-web/$$name/manifest.json || $(BIN)/trm-edge export $$name --out build/demo-web/$$name || exit; \
	done
	@$(BIN)/trm-edge serve build/demo-web/sudoku-9x9 build/demo-web/sudoku-4x4

apk: $(READY)
	@$(BIN)/python android_demo/build_apk.py

apps: $(APPS)

test: $(APPS) lint
	@$(BIN)/python tests/all.py

# Nightly, where `make test` has skipped what is not installed.
test-targets: $(READY)
	@set -e; for name in $(TARGETS); do $(BIN)/trm-edge targets install $$name; done
	@$(BIN)/python benchmarks/target_tests.py

lint: $(READY)
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --strict --no-error-summary
	@found=$$($(BIN)/lint-imports --no-logo) || { echo "$$found"; exit 1; }
	@test ! -d web_demo/node_modules/typescript || npm --prefix web_demo --silent run check > /dev/null || \
	  npm --prefix web_demo run check

bench: $(READY)
	@set -e; for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py; done
	@$(BIN)/python benchmarks/tables.py

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that was cut off half-way has no working pip and is made anew.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
	  echo "trm-edge needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2> /dev/null || echo missing)." \
	    "Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "Installing into .venv (minutes the first time: PyTorch is large) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# Without npm, Maven or a network this is tried again each time, and the tests that miss something are skipped.
APP_PACKAGES := $(wildcard web_demo/package-lock.json android_demo/pom.xml android_demo/*/pom.xml)
$(APPS): $(READY) $(APP_PACKAGES)
	@rm -f $@ && touch $@
	@command -v npm > /dev/null && { echo "Fetching the page's packages with npm ..."; \
	  npm ci --prefix web_demo --no-audit --no-fund --loglevel=error > /dev/null; } || \
	  { rm -f $@; echo "Going on without the tests of the page: npm is missing, or failed."; }
	@command -v mvn > /dev/null && { echo "Fetching the Android app's packages with Maven (minutes the first time) ..."; \
	  $(BIN)/python android_demo/build_apk.py --fetch > /dev/null; } || \
	  { rm -f $@; echo "Going on without the tests of the Android app: Maven is missing, or failed."; }
