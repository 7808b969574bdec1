"""The image of the run: whether nodes have it, or may pull it."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from job.checks import CannotLookError
from job.deploy.doctor.context import Outside
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
_REPORTED = 50
_SECONDS = 10
_MANIFESTS = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)


def image(subject: Outside) -> str:
    """The image is on the nodes that a run may use, or in the registry that its name says."""
    name, policy = str(subject.spec["image"]), subject.spec["imagePullPolicy"]
    lacking = _nodes_without(subject, name)
    if lacking == [] and policy != "Always":
        return f"{name} is on each node that driver or executors may use"
    registry, repository, version = parts(name)
    if policy == "Never" or registry is None:
        raise _without_registry(name, policy, lacking)
    return f"{name} is in its registry: {_in_registry(subject, registry, repository, version)}"


def parts(name: str) -> tuple[str | None, str, str]:
    """Registry, repository, and tag or digest of an image's name.

    The registry is None for a plain name such as `image-features:dev`, which stands for an
    official image of Docker Hub: ours is none of them.
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


def _nodes_without(subject: Outside, name: str) -> list[str] | None:
    """Nodes that a run may use and that lack the image; None where that cannot be told."""
    try:
        nodes = subject.cluster.select("v1", "Node", "")
    except AccessDeniedError:
        return None
    usable = [node for node in nodes if _is_usable(subject, node)]
    lacking = [node for node in usable if name not in _images(node)]
    if not usable or any(len(node["status"].get("images") or []) >= _REPORTED for node in lacking):
        return None
    return [str(node["metadata"]["name"]) for node in lacking]


def _is_usable(subject: Outside, node: Manifest) -> bool:
    labels: Mapping[str, str] = node["metadata"].get("labels") or {}
    wanted = [
        subject.spec[role]["template"]["spec"].get("nodeSelector") or {}
        for role in ("driver", "executor")
    ]
    return any(each.items() <= labels.items() for each in wanted)


def _images(node: Manifest) -> set[str]:
    """All names of the images on a node, as a person writes them."""
    names = [name for each in node["status"].get("images") or [] for name in each["names"] or []]
    return {re.sub(r"^docker\.io/(library/)?", "", name) for name in names} | set(names)


def _without_registry(name: str, policy: str, lacking: list[str] | None) -> Exception:
    if lacking is None and policy != "Always":
        return CannotLookError("the cluster does not say which images its nodes have")
    where = f"is not on {', '.join(lacking)}" if lacking else "would be pulled each time"
    why = "the pull policy is Never" if policy == "Never" else "its name has no registry"
    return MissingPrerequisiteError(
        f"{name} {where}, and {why}",
        expected="the image on each node that driver or executors may use, or in a registry",
        fix="load it (`kind load docker-image`), or push it and set image.repository",
    )


def _in_registry(subject: Outside, registry: str, repository: str, version: str) -> str:
    if ecr := _ECR.fullmatch(registry):
        return _in_ecr(subject.aws(region_name=ecr["region"]), ecr["account"], repository, version)
    return digest_of(f"https://{registry}/v2/{repository}/manifests/{version}", repository, version)


def _in_ecr(aws: Aws, account: str, repository: str, version: str) -> str:
    key = "imageDigest" if version.startswith("sha256:") else "imageTag"
    wanted = {"registryId": account, "repositoryName": repository, "imageIds": [{key: version}]}
    try:
        (found,) = aws.ask("ecr", "describe_images", **wanted)["imageDetails"]
    except InvalidValueError as missing:
        raise _not_in_registry(f"{repository}:{version}", missing.what) from missing
    except (AccessDeniedError, TransportError) as refusal:
        raise CannotLookError(f"ECR does not say: {refusal.what}") from refusal
    return str(found["imageDigest"])


def digest_of(address: str, repository: str, version: str, token: str = "") -> str:
    """The digest that a registry answers with (OCI distribution specification, HEAD manifest)."""
    headers = {"Accept": _MANIFESTS} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address, method="HEAD", headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return str(answer.headers.get("Docker-Content-Digest") or "found")
    except urllib.error.HTTPError as refusal:
        return _refused(refusal, address, repository, version, token)
    except OSError as problem:
        raise CannotLookError(f"{address} does not answer here: {problem}") from problem


def _refused(
    refusal: urllib.error.HTTPError, address: str, repository: str, version: str, token: str
) -> str:
    if refusal.code == 404:
        raise _not_in_registry(f"{repository}:{version}", f"{address} answers 404") from refusal
    challenge = refusal.headers.get("WWW-Authenticate") or ""
    if refusal.code == 401 and not token and challenge.startswith("Bearer "):
        return digest_of(address, repository, version, _anonymous_token(challenge))
    raise CannotLookError(f"{address} answers {refusal.code} without credentials") from refusal


def _anonymous_token(challenge: str) -> str:
    """The token that a public registry gives to anybody (distribution's token authentication)."""
    asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = asked.pop("realm", "")
    # The registry names it: a file:// of this machine is no place to ask.
    if not realm.startswith(("https://", "http://")):
        raise CannotLookError(
            f"the registry sends to {realm!r} for a token, which is no web address"
        )
    try:
        with urllib.request.urlopen(f"{realm}?{urlencode(asked)}", timeout=_SECONDS) as answer:  # noqa: S310
            given: dict[str, Any] = json.load(answer)
    except (OSError, ValueError) as problem:
        raise CannotLookError(f"{realm} gives no token: {problem}") from problem
    return str(given.get("token") or given.get("access_token") or "")


def _not_in_registry(name: str, why: str) -> MissingPrerequisiteError:
    return MissingPrerequisiteError(
        f"{name} is not in its registry: {why}",
        expected="an image of this name",
        fix="push it, or set image.repository and image.tag to one that is there",
    )
