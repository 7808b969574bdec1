# Targets for the image and the local cluster; the Makefile includes this file.

##@ Image and cluster

IMAGE ?= image-features:dev
S3_IMAGE ?= image-features-s3:dev
EMR_IMAGE ?= image-features-emr:dev
BASE_IMAGE ?= debian:bookworm-slim
EMR_BASE_IMAGE ?= public.ecr.aws/emr-on-eks/spark/emr-spark-8.0.0:latest

CLUSTER ?= image-features
NAMESPACE ?= image-features
RELEASE ?= image-features
VALUES ?= helm/image-features/ci/kind.yaml
RUN_ID ?= $(shell date -u +%Y%m%d-%H%M%S)

KIND_NODE_IMAGE ?= kindest/node:v1.34.0
SPARK_OPERATOR_VERSION ?= 2.5.2
SPARK_OPERATOR_CHART ?= https://github.com/kubeflow/spark-operator/releases/download/v$(SPARK_OPERATOR_VERSION)/spark-operator-$(SPARK_OPERATOR_VERSION).tgz

# A folder with `create` and `install-operator`, for machines without access to a registry.
LOCAL_KIND ?=
ifneq ($(LOCAL_KIND),)
export PATH := $(or $(KIND_HOME),$(HOME)/.cache/local-kind)/bin:$(PATH)
export SPARK_JOB_NAMESPACES = $(NAMESPACE)
CREATE_CLUSTER ?= $(LOCAL_KIND)/create
INSTALL_OPERATOR ?= $(LOCAL_KIND)/install-operator $(IMAGE)
else
CREATE_CLUSTER ?= kind create cluster --image $(KIND_NODE_IMAGE) --wait 3m
INSTALL_OPERATOR ?= helm install spark-operator $(SPARK_OPERATOR_CHART) --kube-context $(KUBE_CONTEXT) \
	--namespace spark-operator --create-namespace --wait --set spark.jobNamespaces={$(NAMESPACE)}
endif

# An exported KUBECONFIG may name a cluster of other users. These targets use the cluster of kind-up;
# USE_CLUSTER=<context> selects another cluster of the kubeconfig.
USE_CLUSTER ?=
KIND_KUBECONFIG = $(CURDIR)/.cache/kind/$(CLUSTER).kubeconfig
KUBE_CONTEXT = $(or $(USE_CLUSTER),kind-$(CLUSTER))
# In helm these variables win over the kubeconfig.
unexport HELM_KUBECONTEXT HELM_KUBEAPISERVER HELM_KUBETOKEN

# Only kind clusters can load images.
KIND_NAME = $(patsubst kind-%,%,$(filter kind-%,$(KUBE_CONTEXT)))
LOAD_IMAGE ?= $(if $(KIND_NAME),kind load docker-image --name $(KIND_NAME))

IN_CLUSTER = $(if $(USE_CLUSTER),,KUBECONFIG="$(KIND_KUBECONFIG)") KUBE_CONTEXT="$(KUBE_CONTEXT)" \
	USE_CLUSTER="$(USE_CLUSTER)" CLUSTER="$(CLUSTER)" NAMESPACE="$(NAMESPACE)" IMAGE="$(IMAGE)" S3_IMAGE="$(S3_IMAGE)" \
	CREATE_CLUSTER="$(CREATE_CLUSTER)" INSTALL_OPERATOR="$(INSTALL_OPERATOR)" LOAD_IMAGE="$(LOAD_IMAGE)" \
	RELEASE="$(RELEASE)" VALUES="$(VALUES)" RUN_ID="$(RUN_ID)" PYTHON="$(or $(VENV),.venv)/bin/python"

IGNORED_KUBECONFIG = $(if $(USE_CLUSTER),,$(subst $(KIND_KUBECONFIG),,$(KUBECONFIG)))
SAY_IGNORED = $(if $(IGNORED_KUBECONFIG),@echo "KUBECONFIG is ignored: this is for $(KUBE_CONTEXT) alone; \
USE_CLUSTER=<context> uses another cluster")

RENDER = helm template $(RELEASE) helm/image-features --skip-tests --namespace $(NAMESPACE) --values $(VALUES)

# Packages that only some commands need, such as `scikit-learn xgboost-cpu`; docker/requirements.txt pins them.
EXTRA_PACKAGES ?=
# `yes`: without TensorFlow, which only converts Keras weights.
SLIM ?=

.PHONY: image
image: ## Build the image: IMAGE=image-features:dev EXTRA_PACKAGES="..." SLIM=yes
	docker build -f docker/Dockerfile -t $(IMAGE) --build-arg BASE_IMAGE=$(BASE_IMAGE) \
		--build-arg EXTRA_PACKAGES="$(EXTRA_PACKAGES)" --build-arg SLIM=$(SLIM) \
		--build-arg REVISION=$$(git rev-parse --quiet --verify HEAD 2>/dev/null || echo unknown) .

.PHONY: image-emr
image-emr: ## Build the image for EMR on EKS: EMR_BASE_IMAGE=...
	docker build -f docker/Dockerfile.emr -t $(EMR_IMAGE) --build-arg BASE_IMAGE=$(EMR_BASE_IMAGE) .

.PHONY: image-s3
image-s3: ## Build the S3 server for local clusters
	docker build -f docker/s3.Dockerfile -t $(S3_IMAGE) --build-arg BASE_IMAGE=$(BASE_IMAGE) .

.PHONY: image-size
image-size: ## Show the size of each layer of the image
	@docker history --no-trunc --format '{{.Size}}\t{{.CreatedBy}}' $(IMAGE) | grep -v '^0B' | cut -c 1-110
	@docker image inspect --format '{{.Size}}' $(IMAGE) | awk '{ printf "%.2f GB in all\n", $$1 / 1e9 }'

.PHONY: sbom
sbom: ## Write the packages of the image, as CycloneDX, to build/sbom.json
	@mkdir -p build
	docker run --rm $(IMAGE) /opt/sbom.py > build/sbom.json

.PHONY: render
render: ## Render the chart as plain YAML: VALUES=helm/image-features/ci/kind.yaml
	@$(RENDER) --set-string runId=$(RUN_ID)

.PHONY: manifests
manifests: ## Update k8s/sparkapplication.yaml and the tables of the docs
	$(or $(VENV),.venv)/bin/python helm/readme.py
	$(or $(VENV),.venv)/bin/python -m docs.check_tables
	helm/render-manifest.sh

.PHONY: kind-cluster
kind-cluster: setup
	$(SAY_IGNORED)
	@mkdir -p .cache/kind
	@$(IN_CLUSTER) k8s/kind-cluster.sh

.PHONY: kind-up
kind-up: kind-cluster image image-s3 ## Create the missing ones of cluster, operator, S3 and image
	@$(IN_CLUSTER) k8s/kind-up.sh

.PHONY: kind-run
kind-run: setup ## Run the job on the cluster: sample images in, report out
	$(SAY_IGNORED)
	@$(IN_CLUSTER) k8s/kind-run.sh

.PHONY: kind-down
kind-down: ## Delete the cluster of kind-up
	@$(IN_CLUSTER) k8s/kind-down.sh

.PHONY: e2e
e2e: kind-up ## Run the tests on a real cluster
	$(IN_CLUSTER) $(or $(VENV),.venv)/bin/python -m pytest -m "not slow" tests/e2e $(ARGS)

.PHONY: chaos-cluster
chaos-cluster: kind-up ## Remove nodes, executors and memory on a real cluster, and count images
	$(IN_CLUSTER) $(or $(VENV),.venv)/bin/python -m pytest tests/chaos/cluster $(ARGS)
