"""A healthy cluster, as its API server answers."""

from __future__ import annotations

from typing import Any

from tests.unit.deploy.submit.kubernetes_api import NAMESPACE, KubernetesApi

IMAGE = "docker.io/library/image-features:dev"
NODES = "/api/v1/nodes"
CONTROLLERS = "/apis/apps/v1/deployments"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
OPERATOR = "/apis/sparkoperator.k8s.io"
SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/s3-credentials"
RUNS = f"{OPERATOR}/v1beta2/namespaces/{NAMESPACE}/sparkapplications"
# As the operator's webhook words it (2.5.2).
REFUSED = (
    'admission webhook "validate-sparkoperator-k8s-io-v1beta2-sparkapplication.'
    'sparkoperator.k8s.io" denied the request: sparkConf key "spark.kubernetes.container.image" '
    "is not allowed: use spec.image"
)
KINDS = {
    "networking.k8s.io/v1": ["NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
    "rbac.authorization.k8s.io/v1": ["Role", "RoleBinding"],
    "sparkoperator.k8s.io/v1beta2": ["SparkApplication", "ScheduledSparkApplication"],
}


def make_healthy(api: KubernetesApi) -> None:
    """Let `api` answer like a cluster with an operator, an image and a Secret."""
    api.objects |= {
        f"/apis/{version}": {"resources": [{"kind": kind} for kind in kinds]}
        for version, kinds in KINDS.items()
    }
    keys = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    api.objects |= {
        "/version": {"gitVersion": "v1.34.4"},
        OPERATOR: {"versions": [{"version": "v1beta2"}]},
        f"/api/v1/namespaces/{NAMESPACE}": {"metadata": {"name": NAMESPACE}},
        NODES: {"items": [node("a", "on-demand", IMAGE), node("b", "spot", IMAGE)]},
        CONTROLLERS: {"items": [controller(f"--namespaces={NAMESPACE}")]},
        SECRET: {"data": keys},
    }
    api.allowed = lambda attributes: True
    api.refuses = {"spark.kubernetes.container.image": REFUSED}


def node(name: str, capacity: str, *images: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"capacity-type": capacity}},
        "status": {"images": [{"names": [each]} for each in images]},
    }


def controller(*arguments: str, available: int = 1) -> dict[str, Any]:
    """The operator's Deployment, as helm makes it of the operator's chart."""
    container = {"args": ["controller", "start", *arguments]}
    release = {
        "meta.helm.sh/release-name": "sparks",
        "meta.helm.sh/release-namespace": "spark-operator",
    }
    return {
        "metadata": {
            "name": "controller",
            "namespace": "spark-operator",
            "labels": {"helm.sh/chart": "spark-operator-2.5.2"},
            "annotations": release,
        },
        "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}},
        "status": {"availableReplicas": available},
    }
