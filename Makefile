# What a person or CI does with this repository, each in one word: `make` lists them.

PYTHON ?=
VENV ?= .venv
INPUT ?=
OUTPUT ?=
ARGS ?=
BACKBONE ?= mobilenet_v2

# The venv's programs, with the Java that setup has found; another Spark on the machine is not ours.
# exec: a signal to make's child is a signal to the program, not to a shell in between.
IN_VENV = exec env JAVA_HOME="$$(cat $(VENV)/java-home)" $(VENV)/bin
unexport SPARK_HOME SPARK_CONF_DIR PYTHONPATH

# Of bench-peers alone: Ray and Daft want other releases of what we use.
PEERS_VENV = .cache/peers-venv
PEERS_REQUIREMENTS = tests/benchmarks/peers/requirements.txt

# While the JVM of one test starts or waits, another has the cores.
SIDE_BY_SIDE = --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

##@ Use

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.installed ## Install all that is needed into .venv (Java and python3-venv by apt)

.PHONY: run
run: setup ## The job on the sample images, or on yours: INPUT=... OUTPUT=... [ARGS="--components 20"]
	@$(IN_VENV)/python -m job.deploy.local.run \
		$(if $(INPUT),--input "$$INPUT") $(if $(OUTPUT),--output "$$OUTPUT") -- $(ARGS)

.PHONY: weights
weights: setup ## Download Keras's official weights into docker/weights; BACKBONE=mobilenet_v2
	$(VENV)/bin/python docker/weights/download.py $(BACKBONE)

##@ Develop

.PHONY: test
test: setup ## Unit and integration tests; ARGS="-k name" for some of them
	$(IN_VENV)/python -m pytest -m "not slow" $(SIDE_BY_SIDE) $(ARGS)

.PHONY: test-slow
test-slow: setup ## Tests of rights, of a million objects, of what is done with features, of whole commands
	$(IN_VENV)/python -m pytest -m slow tests/unit tests/integration tests/scale $(SIDE_BY_SIDE) $(ARGS)

.PHONY: test-speed
test-speed: setup ## That no factor is lost: ratios within one run, with nothing else on the machine
	$(IN_VENV)/python -m pytest -m slow tests/speed $(ARGS)

.PHONY: test-chart
test-chart: setup ## The chart as data; installs helm where there is none
	$(IN_VENV)/python -m pytest tests/helm $(ARGS)

.PHONY: lint
lint: setup ## Style, format and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

.PHONY: check-layout
check-layout: setup ## Folders, imports, function sizes, and the way of two options through job/
	$(VENV)/bin/python -m tests.support.layout

.PHONY: check-protocol
check-protocol: export INTERLEAVINGS = 10000
check-protocol: setup ## Try 10,000 orders of the requests of runs that share an output: minutes
	$(IN_VENV)/python -m pytest tests/unit/pipeline/protocol $(ARGS)

.PHONY: format
format: setup ## Mend what lint can mend by itself
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

.PHONY: bench
bench: setup ## Measure against the limits; ARGS="--help" for what can be chosen
	$(IN_VENV)/python -m tests.benchmarks.bench $(ARGS)

.PHONY: profile
profile: setup ## Where an image's CPU time goes, and a run's start; ARGS="--source s3+30ms"
	$(IN_VENV)/python -m tests.benchmarks.profile $(ARGS)

.PHONY: bench-start
bench-start: setup ## Seconds to the first featurized image; ARGS="--beside REVISION" for an older job in turns
	$(IN_VENV)/python -m tests.benchmarks.start $(ARGS)

.PHONY: bench-timeline
bench-timeline: setup ## A long run in steps of ten seconds: images, cores; ARGS="--images 60000"
	$(IN_VENV)/python -m tests.benchmarks.timeline $(ARGS)

.PHONY: bench-listing
bench-listing: setup ## The driver's memory for a listing of 10^5 and one of 10^7 objects; ARGS="1000000"
	$(IN_VENV)/python -m tests.benchmarks.listing $(ARGS)

.PHONY: bench-simulation
bench-simulation: setup ## Ten million images, real but for bytes and network; ARGS="--images 1000000"
	$(IN_VENV)/python -m tests.benchmarks.simulation $(ARGS)

.PHONY: bench-estimate
bench-estimate: setup ## How near `cost --for-images` comes to runs that are made
	$(IN_VENV)/python -m tests.benchmarks.estimates $(ARGS)

.PHONY: bench-day
bench-day: setup ## 90,000 objects, and the day after: seconds, requests, images through the network
	$(IN_VENV)/python -m tests.benchmarks.day $(ARGS)

.PHONY: bench-fit
bench-fit: setup ## Scaler + PCA of 67,692 x 1,280 in one pass, and again, against Spark ML's
	$(IN_VENV)/python -m tests.benchmarks.fit $(ARGS)

.PHONY: bench-peers
bench-peers: setup $(PEERS_VENV)/.installed ## The job beside Ray, Daft, notebooks; ARGS="--only ray --where local"
	$(IN_VENV)/python -m tests.benchmarks.peers $(ARGS)

.PHONY: chaos
chaos: setup ## Kill processes and break storage, and count images: CHAOS_SEED=1
	$(IN_VENV)/python -m pytest tests/chaos --ignore tests/chaos/cluster $(ARGS)

.PHONY: wheel
wheel: setup ## Build dist/*.whl, which works outside the checkout
	$(VENV)/bin/hatchling build -t wheel

.PHONY: lock
lock: setup ## Pin all requirements anew from pyproject.toml (needs network)
	$(VENV)/bin/python -m pip install --quiet uv
	$(LOCK) pyproject.toml -o docker/requirements.txt
	$(LOCK) --group dev -c docker/requirements.txt -o docker/requirements-dev.txt
	$(LOCK) $(PEERS_REQUIREMENTS:.txt=.in) -o $(PEERS_REQUIREMENTS)

.PHONY: known-settings
known-settings: setup ## List anew the settings that lint knows, from the jars of docker/pom.xml
	$(IN_VENV)/python docker/known_settings.py

.PHONY: picture
picture: setup ## The README's picture of the report, of the last `make run`
	$(IN_VENV)/python -m docs.picture .cache/run/report.html

.PHONY: clean
clean: ## Remove caches and what was built; .venv stays
	rm -rf .cache .mypy_cache .pytest_cache .ruff_cache build dist spark-warehouse metastore_db derby.log
	find job tests examples docker -name __pycache__ -prune -exec rm -rf {} +

LOCK = $(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--annotation-style line --no-emit-index-url --custom-compile-command "make lock"

REQUIREMENTS = docker/requirements.txt docker/requirements-dev.txt

$(VENV)/.installed: job/deploy/local/prerequisites.sh pyproject.toml docker/pom.xml $(REQUIREMENTS)
	@PYTHON="$(PYTHON)" sh job/deploy/local/prerequisites.sh $(VENV)
	@echo "installing Python packages into $(VENV) (once, a minute or two)"
	@$(VENV)/bin/python -m pip install --quiet $(REQUIREMENTS:%=-r %)
	@$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@echo "fetching the jars of docker/pom.xml"
	@$(IN_VENV)/python -m job.deploy.local.jars
	@touch $@

$(PEERS_VENV)/.installed: $(PEERS_REQUIREMENTS)
	$(VENV)/bin/python -m venv --clear $(PEERS_VENV)
	$(PEERS_VENV)/bin/python -m pip install --quiet -r $(PEERS_REQUIREMENTS)
	@touch $@

include k8s/kind.mk
