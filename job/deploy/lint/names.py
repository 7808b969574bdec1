"""Names and labels that Kubernetes, the operator and registries accept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from job.deploy.lint.context import ROLES, LintContext
from job.deploy.lint.finding import Finding, error, warning
from job.deploy.lint.known_settings import known_settings

_MAX_LABEL_LENGTH = 63
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([\w.-]*[A-Za-z0-9])?)?", re.ASCII)
_LABEL_KEY = re.compile(
    r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", re.ASCII
)
_OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_REPOSITORY = re.compile(
    r"([\w.-]+(:\d+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][\w.-]{0,127}", re.ASCII)
_VERSION_IN_NAME = re.compile(r"(spark|hadoop)-?(\d+\.\d+(?:\.\d+)?)")
_PLAIN_SPARK = re.compile(r"(^|/)(spark|spark-py|apache/spark(-py)?|bitnami/spark)$")
_MUTABLE_TAGS = ("latest", "main", "master", "stable", "nightly")


def name_starts_with_digit(context: LintContext) -> Iterator[Finding]:
    """The application's name does not start with a letter: the operator rejects it."""
    name = context.application["metadata"]["name"]
    if not name[0].isalpha():
        why = "the operator rejects a name that does not start with a letter (RFC 1035)"
        yield error("--release", name, why, "choose a release name that starts with a letter")


def invalid_label(context: LintContext) -> Iterator[Finding]:
    """A label that Kubernetes rejects: longer than 63 characters, or with invalid ones."""
    labelled = [f"{role}.nodeSelector" for role in ROLES] + ["metrics.podMonitor.labels"]
    for key in labelled:
        labels: Mapping[str, Any] = context.value(key)
        for name, value in labels.items():
            if problem := _label_problem(name, value):
                why = f"Kubernetes refuses this label: {problem}"
                yield error(f"{key}.{name}", value, why, "use a label that nodes have")
    zone = context.value("zone")
    if problem := _label_problem("topology.kubernetes.io/zone", zone):
        why = f"Kubernetes refuses this label: {problem}"
        yield error("zone", zone, why, "write a zone such as eu-central-1a")


def invalid_object_name(context: LintContext) -> Iterator[Finding]:
    """A name of a service account, Secret or PriorityClass that Kubernetes rejects."""
    named = [f"serviceAccounts.{role}.name" for role in ROLES]
    named += [f"{role}.priorityClassName" for role in ROLES] + ["s3.secretName"]
    for key in named:
        name = context.value(key)
        if name and not _OBJECT_NAME.fullmatch(name):
            why = "object names consist of lower-case letters, digits, hyphens and dots"
            yield error(key, name, why, "write the name as `kubectl get` shows it")


def invalid_image_name(context: LintContext) -> Iterator[Finding]:
    """An image name that is not valid, for example with a tag in `image.repository`."""
    repository, tag = context.value("image.repository"), context.value("image.tag")
    if not _REPOSITORY.fullmatch(repository):
        name, _, suffix = repository.rpartition(":")
        fix = (
            f"set image.repository: {name} and image.tag: {suffix}"
            if _TAG.fullmatch(suffix)
            else "write it in lower case, without scheme and tag"
        )
        why = f"the image would be {context.spec['image']}, which is not a valid image name"
        yield error("image.repository", repository, why, fix)
    elif tag and not _TAG.fullmatch(tag):
        why = "a tag has letters, digits, dots, hyphens and underscores; 128 at most"
        yield error("image.tag", tag, why, "write the tag that was pushed")


def image_spark_mismatch(context: LintContext) -> Iterator[Finding]:
    """An image with another Spark or Hadoop version by its name, or a plain Spark image."""
    image = str(context.spec["image"])
    versions = {"spark": known_settings().spark_version, "hadoop": known_settings().hadoop_version}
    for what, version in _VERSION_IN_NAME.findall(image.lower()):
        if not f"{versions[what]}.".startswith(f"{version}."):
            why = f"by its name it has {what} {version}; the job needs {what} {versions[what]}"
            yield warning("image", image, why, "build the job's image: make image")
    if _PLAIN_SPARK.search(context.value("image.repository")):
        why = "this is a plain Spark image: the job is not in it, nor are its jars"
        yield error("image.repository", image, why, "build the job's image: make image")


def mutable_image_tag(context: LintContext) -> Iterator[Finding]:
    """A tag that may point to another image later: driver and executors may differ."""
    tag = context.value("image.tag")
    if tag in _MUTABLE_TAGS and not context.value("image.digest"):
        why = "nodes cache images by tag: driver and executors may run different ones"
        yield warning("image.tag", tag, why, "set an immutable tag, or image.digest")


def _label_problem(name: str, value: str) -> str:
    if len(value) > _MAX_LABEL_LENGTH:
        return f"its value has {len(value)} characters, and 63 is the maximum"
    if not _LABEL_VALUE.fullmatch(value):
        return "its value has more than letters, digits, hyphens, dots and underscores"
    if len(name.rpartition("/")[2]) > _MAX_LABEL_LENGTH or not _LABEL_KEY.fullmatch(name):
        return "its name is not 1 to 63 letters, digits, hyphens, dots and underscores"
    return ""
