"""One namespace of a cluster: the few requests that submitting and following need."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from job.deploy.render.region_guard import REGION_LABEL, region_of_eks
from job.deploy.submit import api_errors
from job.errors import InvalidValueError, MissingPrerequisiteError

Manifest = dict[str, Any]

FIELD_MANAGER = "image-features"
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
# Kinds of no namespace, of those that are asked for.
_CLUSTER_WIDE = ("Namespace", "Node")
_REVIEWS = "authorization.k8s.io/v1", "SelfSubjectAccessReview"


class Cluster:
    """The cluster of a kubeconfig's context; nothing is asked before the first method is called.

    Each method raises AccessDeniedError for what is not allowed, MissingPrerequisiteError for a
    kind or namespace that the cluster lacks, TransportError where it does not answer, and
    InvalidValueError for what it refuses.
    """

    def __init__(self, context: str | None = None, namespace: str | None = None) -> None:
        self.context = context
        self._api, of_context = _configured(context)
        self.namespace = namespace or of_context

    def version(self) -> str:
        """The version of Kubernetes, such as v1.34.4."""
        return str(self._request("get", "/version", "version")["gitVersion"])

    def versions(self, group: str) -> list[str]:
        """The versions of an API group that the cluster serves; none where it lacks the group."""
        try:
            answer = self._request("get", f"/apis/{group}", group)
        except MissingPrerequisiteError:
            return []
        return [each["version"] for each in answer["versions"]]

    def may(self, verb: str, group: str, resource: str, name: str = "") -> bool:
        """Whether who asks may do this in the namespace; anybody may ask that."""
        wanted = {"namespace": self.namespace, "verb": verb, "group": group, "name": name}
        resource, _, below = resource.partition("/")
        wanted |= {"resource": resource, "subresource": below}
        api_version, kind = _REVIEWS
        review = {"apiVersion": api_version, "kind": kind, "spec": {"resourceAttributes": wanted}}
        path = f"/apis/{api_version}/{plural(kind)}"
        return bool(self._request("post", path, kind, body=review)["status"]["allowed"])

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether the cluster has a kind that not every cluster has."""
        try:
            answer = self._request("get", f"/apis/{api_version}", kind)
        except MissingPrerequisiteError:
            return False
        return any(each["kind"] == kind for each in answer["resources"])

    def read(self, api_version: str, kind: str, name: str) -> Manifest:
        """One object. Raises NoSuchObjectError."""
        found: Manifest = self._request("get", self._path(api_version, kind, name), kind)
        return found

    def select(
        self, api_version: str, kind: str, labels: str, *, everywhere: bool = False
    ) -> list[Manifest]:
        """The objects with these labels, by name; `everywhere` in all namespaces."""
        path = self._path(api_version, kind, everywhere=everywhere)
        items = self._request("get", path, kind, label_selector=labels)["items"]
        return sorted(items, key=lambda item: str(item["metadata"]["name"]))

    def apply(self, manifest: Manifest, *, dry_run: bool = False) -> None:
        """Server-side apply. Raises ConflictError where fields belong to somebody else."""
        path = self._path(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"])
        content_type = "application/apply-patch+yaml"
        self._change("patch", path, manifest, dry_run=dry_run, content_type=content_type)

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> None:
        """Make it. Raises ConflictError where it exists."""
        path = self._path(manifest["apiVersion"], manifest["kind"])
        self._change("post", path, manifest, dry_run=dry_run)

    def delete(self, api_version: str, kind: str, name: str) -> None:
        """Remove it, and what it owns. Raises NoSuchObjectError."""
        path = self._path(api_version, kind, name)
        self._request("delete", path, kind, propagation_policy="Background")

    def regions(self) -> dict[str, str]:
        """The regions that the cluster is in: by its address on EKS, else by its nodes' labels."""
        host = urlsplit(self.host).hostname or ""
        if region := region_of_eks(host):
            return {f"the cluster at {host}": region}
        nodes = self._request("get", "/api/v1/nodes", "Node")["items"]
        labels = {each["metadata"]["name"]: each["metadata"].get("labels", {}) for each in nodes}
        return {f"the node {name}": found.get(REGION_LABEL, "") for name, found in labels.items()}

    def log(self, pod: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Lines of a pod's log: the last `tail`, and with `follow` those to come."""
        query = [("follow", str(follow).lower())]
        query += [("tailLines", str(tail))] if tail is not None else []
        path = f"{self._path('v1', 'Pod', pod)}/log"
        # A log may be silent for as long as it likes.
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
            raise api_errors.unreachable(self.host, problem) from problem
        finally:
            stream.release_conn()

    def _path(
        self, api_version: str, kind: str, name: str = "", *, everywhere: bool = False
    ) -> str:
        root = "/apis" if "/" in api_version else "/api"
        place = f"/namespaces/{quote(self.namespace, safe='')}"
        if everywhere or kind in _CLUSTER_WIDE:
            place = ""
        path = f"{root}/{api_version}{place}/{plural(kind)}"
        return f"{path}/{quote(name, safe='')}" if name else path

    def _change(
        self, method: str, path: str, manifest: Manifest, *, dry_run: bool, **more: Any
    ) -> None:
        more |= {"dry_run": "All"} if dry_run else {}
        # By default the server drops a field that it does not know: one of a newer operator.
        more |= {"query_params": [("fieldValidation", "Strict")]}
        self._request(
            method, path, manifest["kind"], body=manifest, field_manager=FIELD_MANAGER, **more
        )

    def _request(self, method: str, path: str, kind: str, **parameters: Any) -> Any:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        given = {"_request_timeout": (_CONNECT_SECONDS, _READ_SECONDS), "serializer": _as_it_is}
        try:
            return self._client.request(method, path, **{**given, **parameters})
        except ApiException as answer:
            # Status 0: the connection could not be made secure.
            if not answer.status:
                raise api_errors.unreachable(self.host, answer) from answer
            raise api_errors.refused(answer.status, _text(answer.body), kind) from answer
        except HTTPError as problem:
            raise api_errors.unreachable(self.host, problem) from problem

    @property
    def host(self) -> str:
        """The address of its API server."""
        return str(self._api.configuration.host)

    @cached_property
    def _client(self) -> Any:
        # Discovery takes ten requests, keeps their answers in a file under /tmp for clusters to
        # come, and takes a 503 for a kind that is missing. The chart's kinds are known.
        return _kubernetes().dynamic.DynamicClient(self._api, discoverer=_no_discovery)


def _no_discovery(client: Any, cache_file: str | None) -> None:
    """In place of one of kubernetes.dynamic."""


def plural(kind: str) -> str:
    """The name of a kind in paths, for the kinds of the chart."""
    return f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"


def _configured(context: str | None) -> tuple[Any, str]:
    """A client of the kubeconfig, else of the pod's own account, and the namespace it names."""
    client, config = _kubernetes().client, _kubernetes().config
    configuration = client.Configuration()
    # Trying again is decided where it is known what was asked, and is told.
    configuration.retries = False
    try:
        # Other files than at import may be meant: kubernetes reads KUBECONFIG only then.
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
            fix="set KUBECONFIG; `kubectl config get-contexts` shows what --context may be",
        ) from problem
    chosen = next((each for each in contexts if each["name"] == context), current)
    return client.ApiClient(configuration), chosen["context"].get("namespace") or "default"


def _kubernetes() -> Any:
    """The package: it takes a second to import, which `--help` and the driver need not pay."""
    import kubernetes.dynamic

    return kubernetes


def _own_namespace() -> str:
    token = _kubernetes().config.incluster_config.SERVICE_TOKEN_FILENAME
    return Path(token).with_name("namespace").read_text(encoding="utf-8").strip()


def _as_it_is(_: Any, body: Any) -> Any:
    return body


def _text(body: Any) -> str:
    return body.decode("utf-8", errors="replace") if isinstance(body, bytes) else str(body or "")
