"""Client for one namespace of a cluster: the requests that `submit` and `doctor` need."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from job.deploy.render.region_guard import REGION_LABEL, eks_region
from job.deploy.submit import api_errors
from job.errors import InvalidValueError, MissingPrerequisiteError

Manifest = dict[str, Any]

FIELD_MANAGER = "image-features"
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
# The cluster-scoped kinds that are requested here.
_CLUSTER_SCOPED = ("Namespace", "Node")
_REVIEWS = "authorization.k8s.io/v1", "SelfSubjectAccessReview"


class Cluster:
    """The cluster of a kubeconfig context; the constructor sends no request.

    Each method raises AccessDeniedError if it is not allowed, MissingPrerequisiteError if the
    cluster lacks the kind or namespace, TransportError if it does not answer, and
    InvalidValueError for a rejected object.
    """

    def __init__(self, context: str | None = None, namespace: str | None = None) -> None:
        self.context = context
        self._api, context_namespace = _load_client(context)
        self.namespace = namespace or context_namespace

    def version(self) -> str:
        """The version of Kubernetes, such as v1.34.4."""
        return str(self._request("get", "/version", "version")["gitVersion"])

    def served_versions(self, group: str) -> list[str]:
        """The served versions of an API group; empty if the cluster does not have the group."""
        try:
            answer = self._request("get", f"/apis/{group}", group)
        except MissingPrerequisiteError:
            return []
        return [version["version"] for version in answer["versions"]]

    def can_i(self, verb: str, group: str, resource: str, name: str = "") -> bool:
        """Whether the user may do this in the namespace (SelfSubjectAccessReview)."""
        attributes = {"namespace": self.namespace, "verb": verb, "group": group, "name": name}
        resource, _, subresource = resource.partition("/")
        attributes |= {"resource": resource, "subresource": subresource}
        api_version, kind = _REVIEWS
        review = {
            "apiVersion": api_version,
            "kind": kind,
            "spec": {"resourceAttributes": attributes},
        }
        path = f"/apis/{api_version}/{plural_name(kind)}"
        return bool(self._request("post", path, kind, body=review)["status"]["allowed"])

    def has_kind(self, api_version: str, kind: str) -> bool:
        """Whether the cluster serves an optional kind."""
        try:
            answer = self._request("get", f"/apis/{api_version}", kind)
        except MissingPrerequisiteError:
            return False
        return any(resource["kind"] == kind for resource in answer["resources"])

    def read(self, api_version: str, kind: str, name: str) -> Manifest:
        """One object. Raises NoSuchObjectError."""
        manifest: Manifest = self._request("get", self._path(api_version, kind, name), kind)
        return manifest

    def select(
        self, api_version: str, kind: str, labels: str, *, everywhere: bool = False
    ) -> list[Manifest]:
        """The objects with these labels, sorted by name; `everywhere`: in all namespaces."""
        path = self._path(api_version, kind, everywhere=everywhere)
        items = self._request("get", path, kind, label_selector=labels)["items"]
        return sorted(items, key=lambda item: str(item["metadata"]["name"]))

    def apply(self, manifest: Manifest, *, dry_run: bool = False) -> None:
        """Server-side apply. Raises ConflictError if another manager owns a field."""
        path = self._path(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"])
        content_type = "application/apply-patch+yaml"
        self._change("patch", path, manifest, dry_run=dry_run, content_type=content_type)

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> None:
        """Create an object. Raises ConflictError if it exists."""
        path = self._path(manifest["apiVersion"], manifest["kind"])
        self._change("post", path, manifest, dry_run=dry_run)

    def delete(self, api_version: str, kind: str, name: str) -> None:
        """Delete an object and its dependents. Raises NoSuchObjectError."""
        path = self._path(api_version, kind, name)
        self._request("delete", path, kind, propagation_policy="Background")

    def regions(self) -> dict[str, str]:
        """The regions of the cluster: from its host name on EKS, else from node labels."""
        host = urlsplit(self.host).hostname or ""
        if region := eks_region(host):
            return {f"the cluster at {host}": region}
        nodes = self._request("get", "/api/v1/nodes", "Node")["items"]
        labels = {node["metadata"]["name"]: node["metadata"].get("labels", {}) for node in nodes}
        return {f"the node {name}": node.get(REGION_LABEL, "") for name, node in labels.items()}

    def log(self, pod: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Lines of a pod's log: the last `tail` lines, and with `follow` also new ones."""
        query = [("follow", str(follow).lower())]
        query += [("tailLines", str(tail))] if tail is not None else []
        path = f"{self._path('v1', 'Pod', pod)}/log"
        # A followed log may be silent for any time.
        timeout = (_CONNECT_SECONDS, None if follow else _READ_SECONDS)
        stream = self._request(
            "get", path, "Pod", query_params=query, serialize=False, _request_timeout=timeout
        )
        return self._lines(stream)

    def _lines(self, stream: Any) -> Iterator[str]:
        from urllib3.exceptions import HTTPError

        try:
            for line in stream:
                yield line.decode("utf-8", errors="replace").rstrip("\n")
        except HTTPError as problem:
            raise api_errors.connection_error(self.host, problem) from problem
        finally:
            stream.release_conn()

    def _path(
        self, api_version: str, kind: str, name: str = "", *, everywhere: bool = False
    ) -> str:
        root = "/apis" if "/" in api_version else "/api"
        scope = f"/namespaces/{quote(self.namespace, safe='')}"
        if everywhere or kind in _CLUSTER_SCOPED:
            scope = ""
        path = f"{root}/{api_version}{scope}/{plural_name(kind)}"
        return f"{path}/{quote(name, safe='')}" if name else path

    def _change(
        self, method: str, path: str, manifest: Manifest, *, dry_run: bool, **more: Any
    ) -> None:
        more |= {"dry_run": "All"} if dry_run else {}
        # By default the server silently drops unknown fields, such as those of a newer operator.
        more |= {"query_params": [("fieldValidation", "Strict")]}
        self._request(
            method, path, manifest["kind"], body=manifest, field_manager=FIELD_MANAGER, **more
        )

    def _request(self, method: str, path: str, kind: str, **parameters: Any) -> Any:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        defaults = {
            "_request_timeout": (_CONNECT_SECONDS, _READ_SECONDS),
            "serializer": _no_serialization,
        }
        try:
            return self._client.request(method, path, **{**defaults, **parameters})
        except ApiException as answer:
            # Status 0: the TLS handshake failed.
            if not answer.status:
                raise api_errors.connection_error(self.host, answer) from answer
            raise api_errors.error_from_response(
                answer.status, _text(answer.body), kind
            ) from answer
        except HTTPError as problem:
            raise api_errors.connection_error(self.host, problem) from problem

    @property
    def host(self) -> str:
        """The URL of the API server."""
        return str(self._api.configuration.host)

    @cached_property
    def _client(self) -> Any:
        # Discovery sends ten requests, caches them under /tmp across clusters, and treats a 503 as
        # a missing kind. The chart's kinds are known, so it is not needed.
        return _kubernetes().dynamic.DynamicClient(self._api, discoverer=_no_discovery)


def _no_discovery(client: Any, cache_file: str | None) -> None:
    """Replaces a discoverer of kubernetes.dynamic."""


def plural_name(kind: str) -> str:
    """The plural of a kind in API paths, for the kinds of the chart."""
    return f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"


def _load_client(context: str | None) -> tuple[Any, str]:
    """A client from the kubeconfig, or from the pod's service account, and its namespace."""
    client, config = _kubernetes().client, _kubernetes().config
    configuration = client.Configuration()
    # Callers decide about retries and report them.
    configuration.retries = False
    try:
        # The kubernetes package only reads KUBECONFIG at import; it may have changed since.
        file = os.environ.get("KUBECONFIG") or None
        if context is None and file is None and "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=configuration)
            return client.ApiClient(configuration), _own_namespace()
        config.load_kube_config(file, context, configuration, persist_config=False)
        contexts, current = config.list_kube_config_contexts(file)
    except config.ConfigException as problem:
        raise InvalidValueError(
            f"no cluster is configured: {' '.join(str(problem).split())}",
            expected="a kubeconfig, and a context of it",
            fix="set KUBECONFIG; `kubectl config get-contexts` lists values for --context",
        ) from problem
    entry = next((item for item in contexts if item["name"] == context), current)
    return client.ApiClient(configuration), entry["context"].get("namespace") or "default"


def _kubernetes() -> Any:
    """The kubernetes package, imported late: the import takes a second."""
    import kubernetes.dynamic

    return kubernetes


def _own_namespace() -> str:
    token = _kubernetes().config.incluster_config.SERVICE_TOKEN_FILENAME
    return Path(token).with_name("namespace").read_text(encoding="utf-8").strip()


def _no_serialization(_: Any, body: Any) -> Any:
    return body


def _text(body: Any) -> str:
    return body.decode("utf-8", errors="replace") if isinstance(body, bytes) else str(body or "")
