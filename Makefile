# The tasks of developers and CI; `make` lists them.

PYTHON ?=
VENV ?= .venv
INPUT ?=
OUTPUT ?=
ARGS ?=
BACKBONE ?= mobilenet_v2

# Programs of the venv, with the Java that setup found, and without another Spark of the machine.
# exec: signals reach the program instead of a shell.
IN_VENV = exec env JAVA_HOME="$$(cat $(VENV)/java-home)" $(VENV)/bin
unexport SPARK_HOME SPARK_CONF_DIR PYTHONPATH

# For bench-peers only: Ray and Daft require other versions of our libraries.
PEERS_VENV = .cache/peers-venv
PEERS_REQUIREMENTS = tests/benchmarks/peers/requirements.txt

# For test-spark-4.0 only: Spark 4.0, and all other packages of VENV.
SPARK_4_0_VENV = .cache/spark-4.0-venv

# While the JVM of one test starts or waits, another test uses the cores.
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
setup: $(VENV)/.installed ## Install all dependencies into .venv (Java and python3-venv by apt)

.PHONY: run
run: setup ## Run the job on the sample images, or on yours: INPUT=... OUTPUT=... [ARGS="--components 20"]
	@$(IN_VENV)/python -m job.deploy.local.run \
		$(if $(INPUT),--input "$$INPUT") $(if $(OUTPUT),--output "$$OUTPUT") -- $(ARGS)

.PHONY: weights
weights: setup ## Download Keras's official weights into docker/weights; BACKBONE=mobilenet_v2
	$(VENV)/bin/python docker/weights/download.py $(BACKBONE)

##@ Develop

.PHONY: test
test: setup ## Run unit and integration tests; ARGS="-k name" selects tests
	$(IN_VENV)/python -m pytest -m "not slow" $(SIDE_BY_SIDE) $(ARGS)

.PHONY: test-spark-4.0
test-spark-4.0: setup $(SPARK_4_0_VENV)/.installed ## Run the job on Spark 4.0, as on EMR, and on outputs of both versions
	$(IN_VENV)/python -m pytest tests/spark_4_0 --python-of-spark-4.0 $(SPARK_4_0_VENV)/bin/python $(ARGS)

.PHONY: test-slow
test-slow: setup ## Run slow tests: permissions, a million objects, analysis of features, whole commands
	$(IN_VENV)/python -m pytest -m slow tests/unit tests/integration tests/scale $(SIDE_BY_SIDE) $(ARGS)

.PHONY: test-speed
test-speed: setup ## Check for lost speed by ratios within one run; needs an idle machine
	$(IN_VENV)/python -m pytest -m slow tests/speed $(ARGS)

.PHONY: test-chart
test-chart: setup ## Test the rendered chart; installs helm if it is missing
	$(IN_VENV)/python -m pytest tests/helm $(ARGS)

.PHONY: lint
lint: setup ## Check style, format, types and imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

.PHONY: check-layout
check-layout: setup ## Check folders, imports, function sizes, and the path of two options through job/
	$(VENV)/bin/python -m tests.support.layout

.PHONY: check-protocol
check-protocol: export INTERLEAVINGS = 10000
check-protocol: setup ## Try 10,000 interleavings of runs that share an output; takes minutes
	$(IN_VENV)/python -m pytest tests/unit/pipeline/protocol $(ARGS)

.PHONY: format
format: setup ## Fix style and format
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

.PHONY: bench
bench: setup ## Measure speed and memory against the limits; ARGS="--help" lists options
	$(IN_VENV)/python -m tests.benchmarks.bench $(ARGS)

.PHONY: profile
profile: setup ## Profile the CPU time of an image and the start of a run; ARGS="--source s3+30ms"
	$(IN_VENV)/python -m tests.benchmarks.profile $(ARGS)

.PHONY: bench-start
bench-start: setup ## Measure seconds to the first featurized image; ARGS="--beside REVISION" compares another version
	$(IN_VENV)/python -m tests.benchmarks.start $(ARGS)

.PHONY: bench-timeline
bench-timeline: setup ## Measure images and cores of a long run every ten seconds; ARGS="--images 60000"
	$(IN_VENV)/python -m tests.benchmarks.timeline $(ARGS)

.PHONY: bench-listing
bench-listing: setup ## Measure driver memory for listings of 10^5 and 10^7 objects; ARGS="1000000"
	$(IN_VENV)/python -m tests.benchmarks.listing $(ARGS)

.PHONY: bench-simulation
bench-simulation: setup ## Simulate ten million images, without bytes and network; ARGS="--images 1000000"
	$(IN_VENV)/python -m tests.benchmarks.simulation $(ARGS)

.PHONY: bench-estimate
bench-estimate: setup ## Compare estimates of `cost --for-images` with real runs
	$(IN_VENV)/python -m tests.benchmarks.estimates $(ARGS)

.PHONY: bench-day
bench-day: setup ## Measure a run on 90,000 objects, and the run of the next day
	$(IN_VENV)/python -m tests.benchmarks.day $(ARGS)

.PHONY: bench-fit
bench-fit: setup ## Measure scaler + PCA of 67,692 x 1,280, and a refit, against Spark ML
	$(IN_VENV)/python -m tests.benchmarks.fit $(ARGS)

.PHONY: bench-network
bench-network: setup ## Measure the network alone against TensorFlow and OpenVINO; ARGS="--backbone vgg16"
	$(IN_VENV)/python -m tests.benchmarks.networks $(ARGS)

.PHONY: bench-peers
bench-peers: setup $(PEERS_VENV)/.installed ## Compare the job with Ray, Daft and notebooks; ARGS="--only ray --where local"
	$(IN_VENV)/python -m tests.benchmarks.peers $(ARGS)

.PHONY: chaos
chaos: setup ## Kill processes, inject storage faults, and count images: CHAOS_SEED=1
	$(IN_VENV)/python -m pytest tests/chaos --ignore tests/chaos/cluster $(ARGS)

.PHONY: wheel
wheel: setup ## Build dist/*.whl, which works outside the checkout
	$(VENV)/bin/hatchling build -t wheel

.PHONY: lock
lock: setup ## Update all pinned requirements from pyproject.toml (needs network)
	$(LOCK) pyproject.toml -o docker/requirements.txt
	$(LOCK) --group dev -c docker/requirements.txt -o docker/requirements-dev.txt
	$(LOCK) $(PEERS_REQUIREMENTS:.txt=.in) -o $(PEERS_REQUIREMENTS)

.PHONY: known-settings
known-settings: setup ## Update the settings that lint knows, from the jars of docker/pom.xml
	$(IN_VENV)/python docker/known_settings.py

.PHONY: picture
picture: setup ## Update the README's picture from the report of the last `make run`
	$(IN_VENV)/python -m docs.picture .cache/run/report.html

.PHONY: clean
clean: ## Remove caches and build output, but not .venv
	rm -rf .cache .mypy_cache .pytest_cache .ruff_cache build dist spark-warehouse metastore_db derby.log
	find job tests examples docker -name __pycache__ -prune -exec rm -rf {} +

LOCK = $(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--annotation-style line --no-emit-index-url --custom-compile-command "make lock"

REQUIREMENTS = docker/requirements.txt docker/requirements-dev.txt

$(VENV)/.installed: job/deploy/local/prerequisites.sh pyproject.toml docker/pom.xml $(REQUIREMENTS)
	@PYTHON="$(PYTHON)" sh job/deploy/local/prerequisites.sh $(VENV)
	@echo "installing Python packages into $(VENV) (once, a minute or two)"
	@$(VENV)/bin/python -m pip install --quiet $$(grep -o '^uv==[^ ]*' docker/requirements-dev.txt)
	@$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python $(REQUIREMENTS:%=-r %) \
		|| { echo "uv failed; pip takes three minutes more"; $(VENV)/bin/python -m pip install --quiet $(REQUIREMENTS:%=-r %); }
	@$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@echo "fetching the jars of docker/pom.xml"
	@$(IN_VENV)/python -m job.deploy.local.jars
	@touch $@

$(SPARK_4_0_VENV)/.installed: $(VENV)/.installed docker/requirements-spark-4.0.txt
	$(VENV)/bin/python -m venv --clear --without-pip $(SPARK_4_0_VENV)
	$(VENV)/bin/python -m pip --python $(SPARK_4_0_VENV)/bin/python install --quiet --no-deps \
		-r docker/requirements-spark-4.0.txt
	$(VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> $$(echo $(SPARK_4_0_VENV)/lib/python*/site-packages)/packages-of-venv.pth
	JAVA_HOME="$$(cat $(VENV)/java-home)" $(SPARK_4_0_VENV)/bin/python -m tests.spark_4_0.install_jars
	@touch $@

$(PEERS_VENV)/.installed: $(PEERS_REQUIREMENTS)
	$(VENV)/bin/python -m venv --clear $(PEERS_VENV)
	$(PEERS_VENV)/bin/python -m pip install --quiet -r $(PEERS_REQUIREMENTS)
	@touch $@

include k8s/kind.mk
