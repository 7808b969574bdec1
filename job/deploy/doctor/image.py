"""The image of the run: on the nodes, or in its registry."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from job.checks import CannotCheckError
from job.deploy.doctor.context import ClientContext
from job.deploy.submit.emr.aws import Aws
from job.deploy.submit.spark_application import Manifest
from job.errors import (
    AccessDeniedError,
    InvalidValueError,
    MissingPrerequisiteError,
    TransportError,
)

_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
# The kubelet reports the largest images only, as many as nodeStatusMaxImages says.
_MAX_REPORTED_IMAGES = 50
_SECONDS = 10
_MANIFESTS = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)


def image(context: ClientContext) -> str:
    """The image is on each node that the run may use, or in the registry of its name."""
    name, policy = str(context.spec["image"]), context.spec["imagePullPolicy"]
    missing_nodes = _nodes_missing_image(context, name)
    if missing_nodes == [] and policy != "Always":
        return f"{name} is on each node that driver or executors may use"
    registry, repository, version = split_image_name(name)
    if policy == "Never" or registry is None:
        raise _unavailable_error(name, policy, missing_nodes)
    return f"{name} is in its registry: {_registry_digest(context, registry, repository, version)}"


def split_image_name(name: str) -> tuple[str | None, str, str]:
    """Registry, repository, and tag or digest of an image name.

    The registry is None for a plain name such as `image-features:dev`: Docker Hub only has
    official images under such names, and the job's image is not one of them.
    """
    first, slash, rest = name.partition("/")
    registry = first if slash and re.search(r"[.:]|^localhost$", first) else None
    path = rest if registry else name
    repository, separator, version = path.partition("@")
    if not separator:
        repository, _, version = path.partition(":")
    if registry is None and slash:
        registry = "registry-1.docker.io"
    return registry, repository, version or "latest"


def _nodes_missing_image(context: ClientContext, name: str) -> list[str] | None:
    """Nodes that the run may use and that do not have the image; None if unknown."""
    try:
        nodes = context.cluster.select("v1", "Node", "")
    except AccessDeniedError:
        return None
    usable = [node for node in nodes if _is_usable(context, node)]
    missing_nodes = [node for node in usable if name not in _image_names(node)]
    if not usable or any(
        len(node["status"].get("images") or []) >= _MAX_REPORTED_IMAGES for node in missing_nodes
    ):
        return None
    return [str(node["metadata"]["name"]) for node in missing_nodes]


def _is_usable(context: ClientContext, node: Manifest) -> bool:
    labels: Mapping[str, str] = node["metadata"].get("labels") or {}
    selectors = [
        context.spec[role]["template"]["spec"].get("nodeSelector") or {}
        for role in ("driver", "executor")
    ]
    return any(selector.items() <= labels.items() for selector in selectors)


def _image_names(node: Manifest) -> set[str]:
    """All names of the images on a node, with and without docker.io."""
    names = [name for image in node["status"].get("images") or [] for name in image["names"] or []]
    return {re.sub(r"^docker\.io/(library/)?", "", name) for name in names} | set(names)


def _unavailable_error(name: str, policy: str, missing_nodes: list[str] | None) -> Exception:
    if missing_nodes is None and policy != "Always":
        return CannotCheckError("the cluster does not report the images of its nodes")
    where = f"is not on {', '.join(missing_nodes)}" if missing_nodes else "is pulled for each pod"
    why = "the pull policy is Never" if policy == "Never" else "its name has no registry"
    return MissingPrerequisiteError(
        f"{name} {where}, and {why}",
        expected="the image on each node that driver or executors may use, or in a registry",
        fix="load it (`kind load docker-image`), or push it and set image.repository",
    )


def _registry_digest(context: ClientContext, registry: str, repository: str, version: str) -> str:
    if ecr := _ECR.fullmatch(registry):
        return _ecr_digest(
            context.aws(region_name=ecr["region"]), ecr["account"], repository, version
        )
    return fetch_digest(
        f"https://{registry}/v2/{repository}/manifests/{version}", repository, version
    )


def _ecr_digest(aws: Aws, account: str, repository: str, version: str) -> str:
    key = "imageDigest" if version.startswith("sha256:") else "imageTag"
    request = {"registryId": account, "repositoryName": repository, "imageIds": [{key: version}]}
    try:
        (image_details,) = aws.call("ecr", "describe_images", **request)["imageDetails"]
    except InvalidValueError as missing:
        raise _not_found_error(f"{repository}:{version}", missing.what) from missing
    except (AccessDeniedError, TransportError) as refusal:
        raise CannotCheckError(f"ECR does not tell: {refusal.what}") from refusal
    return str(image_details["imageDigest"])


def fetch_digest(address: str, repository: str, version: str, token: str = "") -> str:
    """The digest of an image in a registry (OCI distribution specification, HEAD manifest)."""
    headers = {"Accept": _MANIFESTS} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address, method="HEAD", headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return str(answer.headers.get("Docker-Content-Digest") or "found")
    except urllib.error.HTTPError as refusal:
        return _handle_http_error(refusal, address, repository, version, token)
    except OSError as problem:
        raise CannotCheckError(f"no answer from {address}: {problem}") from problem


def _handle_http_error(
    refusal: urllib.error.HTTPError, address: str, repository: str, version: str, token: str
) -> str:
    if refusal.code == 404:
        raise _not_found_error(f"{repository}:{version}", f"{address} answers 404") from refusal
    challenge = refusal.headers.get("WWW-Authenticate") or ""
    if refusal.code == 401 and not token and challenge.startswith("Bearer "):
        return fetch_digest(address, repository, version, _anonymous_token(challenge))
    raise CannotCheckError(f"{address} answers {refusal.code} without credentials") from refusal


def _anonymous_token(challenge: str) -> str:
    """An anonymous token of a public registry (token authentication of `distribution`)."""
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = parameters.pop("realm", "")
    # The registry chooses the URL: it must not be a file:// on this machine.
    if not realm.startswith(("https://", "http://")):
        raise CannotCheckError(
            f"the registry's token realm is {realm!r}, which is not a web address"
        )
    try:
        with urllib.request.urlopen(f"{realm}?{urlencode(parameters)}", timeout=_SECONDS) as answer:  # noqa: S310
            body: dict[str, Any] = json.load(answer)
    except (OSError, ValueError) as problem:
        raise CannotCheckError(f"no token from {realm}: {problem}") from problem
    return str(body.get("token") or body.get("access_token") or "")


def _not_found_error(name: str, why: str) -> MissingPrerequisiteError:
    return MissingPrerequisiteError(
        f"{name} is not in its registry: {why}",
        expected="an image of this name",
        fix="push it, or set image.repository and image.tag to an image that exists",
    )
