# Two commands for a newcomer: `make run` and `make test`. Both install what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One tool installs the locks; it is pinned here, since it cannot lock itself.
UV := $(BIN)/uv
UV_VERSION := 0.13.9
# What takes minutes to build is kept for every checkout.
CACHE ?= $(or $(CUSTOMER_SEGMENTATION_CACHE),$(HOME)/.cache/customer-segmentation)
export CUSTOMER_SEGMENTATION_CACHE := $(abspath $(CACHE))
VERSITYGW := $(CUSTOMER_SEGMENTATION_CACHE)/bin/versitygw
VERSITYGW_VERSION := v1.8.0
NGINX := $(or $(wildcard /usr/sbin/nginx),$(CUSTOMER_SEGMENTATION_CACHE)/nginx/usr/sbin/nginx)
# Debian's names and places of what tests run beside Python.
PACKAGES := chromium curl postgresql-15 redis-server
POSTGRESQL := /usr/lib/postgresql/15/bin
INSTALL := DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PACKAGES)
# Of kedro, in `make staging` and `make prod`.
COMMAND ?= run
# What prod promotes, without a bucket of one's own: the champion of the rehearsal of staging.
ifndef SEGMENTATION_BUCKET
prod: export SEGMENTATION_MODELS_BELOW ?= data/staging/s3/customer-segmentation-staging/models
endif
REQUESTS ?= 100000
KILLS ?= 20
# Those that `make test` leaves out are marked `security` and `faults`.
ATTACKS ?= security or not security
FAULTS ?= faults or not faults
# Where a shell or an image sets it, each of hundreds of processes would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE
# In the groups and the order of tests/conftest.py.
TWO_WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
LOCK := $(COMPILE) pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run feature-store staging prod integrate release serve services test extras faults security fuzz lint format bench docs access viz notebook lock clean

help:  ## these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(UV):
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 run")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/core.done: requirements/core.txt pyproject.toml | $(UV)
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/core.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(VENV)/dev.done: requirements/dev.txt $(VENV)/core.done
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/staging.done: requirements/staging.txt $(VENV)/core.done
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/staging.txt
	@touch $@

$(VENV)/prod.done: requirements/prod.txt $(VENV)/core.done
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/prod.txt
	@touch $@

$(VENV)/serving.done: requirements/serving.txt $(VENV)/core.done
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/serving.txt
	@touch $@

$(VENV)/features.done: requirements/features.txt $(VENV)/core.done
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/features.txt
	@touch $@

$(VERSITYGW):
	@command -v go > /dev/null || { echo "make services: Go is needed to build versitygw: https://go.dev/dl" >&2; exit 1; }
	CGO_ENABLED=0 GOBIN=$(@D) go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION)

# Unpacked and not installed, which would start it on port 80.
$(CUSTOMER_SEGMENTATION_CACHE)/nginx/usr/sbin/nginx:
	@mkdir -p $(CUSTOMER_SEGMENTATION_CACHE)/nginx
	@cd $(CUSTOMER_SEGMENTATION_CACHE)/nginx && rm -f nginx_*.deb \
		&& { apt-get download -qq nginx || { apt-get update -qq && apt-get download -qq nginx; }; } \
		&& dpkg -x nginx_*.deb . && rm nginx_*.deb && test -x $@ \
		|| { echo "make services: install nginx with your system's packages" >&2; exit 1; }

run: $(VENV)/core.done  ## install, run every pipeline on the sample (or SEGMENTATION_SOURCE), name the report; ARGS="--pipeline=clustering"
	$(BIN)/kedro run $(ARGS)

staging: $(VENV)/staging.done  ## the staging environment, on an S3 server of its own; ARGS="--pipeline=promotion", COMMAND=champion
	@$(BIN)/python -m tools.rehearsal -- $(BIN)/kedro $(COMMAND) --env=staging $(ARGS)

prod: $(VENV)/prod.done  ## the prod environment, on this machine's Spark and folders; needs Java 17; ARGS and COMMAND as above
	$(BIN)/kedro $(COMMAND) --env=prod $(ARGS)

integrate: $(VENV)/staging.done  ## staging on SEGMENTATION_BUCKET: a whole run, then the promotion of dev's champion
	$(BIN)/kedro run --env=staging
	$(BIN)/kedro run --env=staging --pipeline=promotion

release: $(VENV)/prod.done  ## the promotion of staging's champion to prod
	$(BIN)/kedro run --env=prod --pipeline=promotion

serve: $(VENV)/serving.done  ## the API and its page, on http://127.0.0.1:8000; ARGS="--port 8080"
	@$(BIN)/python -m customer_segmentation.serving serve $(ARGS)

feature-store: $(VENV)/features.done  ## fill the feature store from the last run, a file or SEGMENTATION_FEATURE_STORE, and tell Feast; ARGS="--env=staging"
	SEGMENTATION_FEATURE_STORE=$${SEGMENTATION_FEATURE_STORE:-sqlite} $(BIN)/kedro run --pipeline=feature_export $(ARGS)
	@SEGMENTATION_FEATURE_STORE=$${SEGMENTATION_FEATURE_STORE:-sqlite} $(BIN)/kedro feature apply $(ARGS)

services: $(VERSITYGW) $(NGINX)  ## what `make test` tries besides: an S3 server (needs Go, minutes once), PostgreSQL, Redis, Chromium, nginx
	@test -x /usr/bin/chromium && test -x /usr/bin/curl && test -x /usr/bin/redis-server && test -x $(POSTGRESQL)/initdb \
		|| $(INSTALL) || { apt-get update -qq && $(INSTALL); } \
		|| { echo "make services: install $(PACKAGES) with your system's packages" >&2; exit 1; }

viz: $(VENV)/core.done  ## the pipelines in the browser
	$(BIN)/kedro viz run

notebook: $(VENV)/core.done  ## JupyterLab with the project loaded
	$(BIN)/kedro jupyter lab

lint: $(VENV)/dev.done
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## lint, types, import contracts and all tests
	$(BIN)/pytest $(TWO_WORKERS)

extras: $(VENV)/dev.done  ## install every extra anew with plain pip, the newest allowed and the locked; 10 minutes
	$(BIN)/pytest -n 2 -m extras tests/extras --durations=20

faults: $(VENV)/dev.done  ## kill runs, promotions, erasures, cleanings, jobs, saves and fillings of the feature store at random moments, KILLS=20 an environment; two hours
	SEGMENTATION_KILLS=$(KILLS) $(BIN)/pytest -m "$(FAULTS)" tests/runs/test_kills.py tests/runs/test_promotion_kills.py \
		tests/runs/test_retention_kills.py tests/serving/jobs/test_crashes.py tests/datasets/test_polars_table.py tests/feature_store/test_kills.py

security: $(VENV)/dev.done  ## attack a server in every way that docs/serving.md lists; five minutes
	$(BIN)/pytest $(TWO_WORKERS) -m "$(ATTACKS)" tests/security

fuzz: $(VENV)/dev.done  ## REQUESTS=100000 to the API, right and wrong ones, by its own description
	SEGMENTATION_FUZZ_REQUESTS=$(REQUESTS) $(BIN)/pytest tests/serving/test_fuzz.py

format: $(VENV)/dev.done  ## mend what the formatter and the linter can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/dev.done  ## every benchmark; the README's figures come from here
	set -e; for script in benchmarks/*.py; do PYTHONPATH=. $(BIN)/python $$script; done

docs: $(VENV)/dev.done  ## write the data dictionary, policies and grants anew
	$(BIN)/python -m customer_segmentation.schema.dictionary > docs/data_dictionary.md
	$(BIN)/python -m tools.access

access: $(VENV)/dev.done $(VERSITYGW)  ## try who may do what on an S3 server, and write the table of docs/access.md
	$(BIN)/python -m tools.access.trial

lock: | $(UV)  ## resolve the dependencies anew
	$(LOCK) --extra dev -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt -o requirements/core.txt
	$(LOCK) --extra cloud --extra rehearsal -c requirements/dev.txt -o requirements/staging.txt
	$(COMPILE) --group server -c requirements/dev.txt -o requirements/serving.txt
	$(LOCK) --extra spark -c requirements/dev.txt -o requirements/prod.txt
	$(LOCK) --extra features -c requirements/dev.txt -o requirements/features.txt

clean:  ## remove what runs produced; the environment stays
	rm -rf data/features data/landed data/bronze data/silver data/gold data/models data/reporting data/staging data/prod data/jobs mlflow.db mlruns
