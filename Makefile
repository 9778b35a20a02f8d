# Two commands do all the set-up: `make up` runs Assay, `make test` runs every check. `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PORT ?= 8470

BIN := .venv/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
PACKAGE := $(INSTALL) --no-deps --build-constraints requirements/build.txt --reinstall-package modelassay --editable .
WEB := $(shell find web -name node_modules -prune -o -type f -print 2>/dev/null)
NPM := sh scripts/npm.sh

.PHONY: help
help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: up
up: .venv/run.stamp ## run Assay with the practice contestants on port 8470 (PORT=... for another)
	@exec $(BIN)/assay up --demo --port $(PORT)

.PHONY: test
test: check page-check .venv/previous.stamp .venv/clients.stamp ## run every check and test, on SQLite and PostgreSQL, with Chromium
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: check
check: .venv/test.stamp ## format, lint, types and layers; no tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: page-check
page-check: .venv/test.stamp ## types and unit tests of the page
	$(NPM) run check
	$(NPM) test -- --testTimeout=60000

.PHONY: prove
prove: .venv/test.stamp .venv/previous.stamp .venv/clients.stamp ## run the sizes that the promises are stated in (long)
	$(BIN)/pytest -m prove --timeout 3600

.PHONY: dev
dev: .venv/test.stamp ## run Assay and the page with reload; the page on port 5173
	$(BIN)/python scripts/dev.py --port $(PORT)

.PHONY: screenshots
screenshots: .venv/test.stamp ## write every page in every theme and language to build/screenshots
	$(BIN)/python -m tests.screenshots

.PHONY: bench
bench: .venv/test.stamp .venv/bench.stamp ## measure the gateway, the ratings and a challenge; prints figures, judges nothing
	$(BIN)/python -m benchmarks.ratings
	$(BIN)/python -m benchmarks.challenge
	$(BIN)/python -m benchmarks.gateway

.PHONY: reference
reference: .venv/test.stamp ## write what repeats the source: the reference pages and the types of the page
	$(BIN)/python -m scripts.reference
	$(BIN)/python -m scripts.typescript
	$(BIN)/python -m scripts.snippets

.PHONY: lock
lock: $(UV) ## resolve the newest versions into requirements/*.txt and web/package-lock.json
	sh scripts/lock.sh

.PHONY: clean
clean: ## remove what was built and installed; data is kept
	rm -rf .venv build dist web/node_modules tests/clients/node_modules src/assay/_web .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(UV): requirements/uv.txt scripts/bootstrap.sh
	sh scripts/bootstrap.sh
	@touch $@

.venv/run.stamp: $(UV) requirements/run.txt requirements/build.txt pyproject.toml hatch_build.py $(WEB)
	$(INSTALL) --require-hashes -r requirements/run.txt
	$(PACKAGE)
	@touch $@

.venv/test.stamp: .venv/run.stamp requirements/test.txt scripts/test_needs.sh
	$(INSTALL) --require-hashes -r requirements/test.txt
	sh scripts/test_needs.sh
	@touch $@

.venv/previous.stamp: $(UV) requirements/previous.txt
	$(UV) venv --quiet --clear --python $(BIN)/python .venv/previous
	$(UV) pip install --quiet --python .venv/previous/bin/python --require-hashes -r requirements/previous.txt
	@touch $@

.venv/clients.stamp: .venv/test.stamp tests/clients/package-lock.json scripts/clients.sh
	sh scripts/clients.sh ci
	@touch $@

.venv/bench.stamp: $(UV) requirements/bench.txt
	$(UV) venv --quiet --clear --python $(BIN)/python .venv/bench
	$(UV) pip install --quiet --python .venv/bench/bin/python --require-hashes -r requirements/bench.txt
	@touch $@
