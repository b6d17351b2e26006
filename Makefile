# Everything a developer runs. Each target takes ARGS="…"; the first call of any of them sets up.
# An environment is a stamp per lock file: nothing is installed again until a lock changes.
PYTHON ?= python3
VENV   ?= .venv
PEERS  ?= .venv-peers
SITE   ?= .venv-docs
S3     ?= .venv-s3
WHEELS ?= .wheels
UV     ?= uv

PY      := $(VENV)/bin/python
LOCKED  := -q --require-hashes --no-deps --only-binary :all: -r
PIP     := -m pip --disable-pip-version-check install $(LOCKED)
COMPILE := $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes \
           --no-emit-index-url --no-annotate --no-header $(ARGS)

.DELETE_ON_ERROR:
.PHONY: help up demo test quick days soak fuzz mutants lint bench docs wheel wheels release release-key setup interop peers s3 site test-system image-system lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

up: $(VENV)/.run  ## a federation on this machine until Ctrl-C, resumed the next time; ARGS="DIR --lang en"
	@$(PY) -m did_service.cli up $(ARGS)

demo: $(VENV)/.run  ## the whole story, from a credential's issue to its check without a network
	@$(PY) -m compileall -q did_service wallet_cli  # the story starts our programs many times
	@$(PY) -m did_service.cli demo $(ARGS)

test: $(VENV)/.dev  ## all tests, coverage of the rooms, then the offline tests without a network; ARGS go to pytest
	@$(PY) -m compileall -q did_service wallet_cli
	$(PY) tests/run.py $(ARGS)

quick: $(VENV)/.dev  ## the core's tests and what of the verifier needs no process, in under a minute
	@$(PY) tests/run.py --hypothesis-profile=quick -q -m "not clock" \
	  tests/core tests/architecture tests/program tests/verifier $(ARGS)

days: $(VENV)/.dev  ## the tests that depend on the day, again on other days; DAY="NAME …" for some
	@$(PY) tests/days.py $(DAY)

soak: $(VENV)/.dev  ## long runs, PART="NAME …"; without PART it lists them
	@$(PY) tests/soak.py $(PART)

fuzz: $(VENV)/.dev  ## altered documents and evidence without end; ARGS="[TARGET …] --seconds 600 --seed 1"
	@$(PY) -m tests.fuzz $(ARGS)

mutants: $(VENV)/.dev  ## each defence taken out once: its attack test must notice; ARGS="[NAME …]"
	@$(PY) -m tests.mutation $(ARGS)

lint: $(VENV)/.dev  ## style, format, types, layers
	$(VENV)/bin/ruff check . $(ARGS)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.dev  ## benchmarks; ARGS="[GROUP …] [--json]"
	@$(PY) -m bench $(ARGS)

docs: $(SITE)/.installed  ## build/site: all pages as a site that needs no server and no network; a broken link fails
	@$(SITE)/bin/python -m sphinx -q -E -W --keep-going -n -j 2 -c docs/site -d build/site.cache . build/site $(ARGS)
	@echo "open build/site/index.html"

wheel: $(VENV)/.dev  ## dist/did_service-VERSION-py3-none-any.whl: the same bytes from the same tree, no network
	@SOURCE_DATE_EPOCH=315532800 $(PY) -m hatchling build -t wheel -d dist  # 1980: a zip knows no earlier day

release-key: $(VENV)/.run  ## a key that signs releases, outside the checkout; KEY=FILE PASSPHRASE=file:PATH
	@$(PY) scripts/release.py key --out $(KEY) --passphrase $(PASSPHRASE)

release: wheels wheel  ## a folder to install from without a network; OUT=DIR KEY=FILE PASSPHRASE=file:PATH
	@$(PY) scripts/release.py make --out $(OUT) --wheels $(WHEELS) --key $(KEY) \
	  --passphrase $(PASSPHRASE) --own dist/did_service-`$(PY) -m hatchling version`-py3-none-any.whl

wheels: $(WHEELS)/.run  ## the wheels of requirements/release.lock for this machine's Python

setup: $(VENV)/.dev  ## the environment alone

interop: tests/interop/node_modules/.installed  ## counterparts in JavaScript, for tests/interop

peers: $(PEERS)/.installed  ## counterparts in Python that cannot share the environment

s3: $(S3)/.installed  ## a store with buckets, for make soak PART=s3, in an environment of its own

site: $(SITE)/.installed  ## what `make docs` needs, in an environment of its own

test-system:  ## system programs that some tests want (Debian, as root)
	@missing=""; for pair in node:nodejs npm:npm unshare:util-linux faketime:faketime promtool:prometheus \
	  systemd-analyze:systemd nginx:nginx-light openssl:openssl strace:strace chromium:chromium curl:curl ip:iproute2; do \
	  command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair##*:}"; done; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	if [ -n "$$missing" ]; then apt-get update -q && apt-get install -qy --no-install-recommends $$missing $(ARGS); fi

image-system:  ## what builds and runs images for make soak PART=container (Debian, as root)
	@for each in buildah podman runc mmdebstrap; do command -v "$$each" >/dev/null || missing="$$missing $$each"; done; \
	if [ -n "$$missing" ]; then apt-get update -q && apt-get install -qy --no-install-recommends $$missing $(ARGS); fi

lock:  ## recompute requirements/*.lock; needs uv; ARGS=--upgrade for newer versions
	cd requirements && $(COMPILE) run.in -o run.lock
	cd requirements && $(COMPILE) -c run.lock run.in extras.in -o release.lock
	cd requirements && $(COMPILE) -c release.lock run.in extras.in dev.in -o dev.lock
	cd requirements && $(COMPILE) peers.in -o peers.lock
	cd requirements && $(COMPILE) docs.in -o docs.lock
	cd requirements && $(COMPILE) s3.in -o s3.lock
	! grep -nE '[a-z]+://' requirements/*.lock

clean:  ## environments, caches and what tests left behind
	rm -rf $(VENV) $(PEERS) $(SITE) $(S3) $(WHEELS) tests/interop/node_modules dist build .coverage .mypy_cache .ruff_cache \
	  .pytest_cache .import_linter_cache .hypothesis
	find did_service wallet_cli tests bench scripts -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV)/.python:
	@echo "setting up $(VENV): once, about half a minute" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.run: requirements/run.lock pyproject.toml scripts/link_checkout.py | $(VENV)/.python
	@$(PY) $(PIP) requirements/run.lock
	@$(PY) scripts/link_checkout.py
	@touch $@

$(VENV)/.dev: requirements/dev.lock | $(VENV)/.run
	@$(PY) $(PIP) requirements/dev.lock
	@touch $@

$(WHEELS)/.run: requirements/release.lock | $(VENV)/.python
	@rm -rf $(WHEELS)
	@$(PY) -m pip --disable-pip-version-check download -d $(WHEELS) $(LOCKED) requirements/release.lock
	@touch $@

$(PEERS)/.installed: requirements/peers.lock
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python $(PIP) requirements/peers.lock
	@touch $@

$(SITE)/.installed: requirements/docs.lock
	$(PYTHON) -m venv --clear $(SITE)
	$(SITE)/bin/python $(PIP) requirements/docs.lock
	@touch $@

$(S3)/.installed: requirements/s3.lock
	$(PYTHON) -m venv --clear $(S3)
	$(S3)/bin/python $(PIP) requirements/s3.lock
	@touch $@

tests/interop/node_modules/.installed: tests/interop/package-lock.json
	cd tests/interop && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
