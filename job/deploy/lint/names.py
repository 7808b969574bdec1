"""Names and labels as Kubernetes, the operator and registries take them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from job.deploy.lint.context import ROLES, Subject
from job.deploy.lint.finding import Finding, error, warning
from job.deploy.lint.known_settings import known

_LONGEST_LABEL = 63
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([\w.-]*[A-Za-z0-9])?)?", re.ASCII)
_LABEL_KEY = re.compile(
    r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", re.ASCII
)
_OBJECT = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_REPOSITORY = re.compile(
    r"([\w.-]+(:\d+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][\w.-]{0,127}", re.ASCII)
_VERSION_IN_NAME = re.compile(r"(spark|hadoop)-?(\d+\.\d+(?:\.\d+)?)")
_OF_SPARK_ALONE = re.compile(r"(^|/)(spark|spark-py|apache/spark(-py)?|bitnami/spark)$")
_MOVING_TAGS = ("latest", "main", "master", "stable", "nightly")


def name_that_begins_with_a_digit(subject: Subject) -> Iterator[Finding]:
    """An application whose name does not begin with a letter: the operator refuses it."""
    name = subject.application["metadata"]["name"]
    if not name[0].isalpha():
        why = "the operator refuses a name that does not begin with a letter (RFC 1035)"
        yield error("--release", name, why, "choose a release that begins with a letter")


def label_that_is_none(subject: Subject) -> Iterator[Finding]:
    """A label that Kubernetes refuses: above 63 characters, or with others than it allows."""
    labelled = [f"{role}.nodeSelector" for role in ROLES] + ["metrics.podMonitor.labels"]
    for key in labelled:
        labels: Mapping[str, Any] = subject.value(key)
        for name, value in labels.items():
            if problem := _label_problem(name, value):
                why = f"Kubernetes refuses this label: {problem}"
                yield error(f"{key}.{name}", value, why, "use a label that nodes have")
    zone = subject.value("zone")
    if problem := _label_problem("topology.kubernetes.io/zone", zone):
        why = f"Kubernetes refuses this label: {problem}"
        yield error("zone", zone, why, "write a zone such as eu-central-1a")


def object_name_that_is_none(subject: Subject) -> Iterator[Finding]:
    """A name of an account, a Secret or a PriorityClass that Kubernetes refuses."""
    named = [f"serviceAccounts.{role}.name" for role in ROLES]
    named += [f"{role}.priorityClassName" for role in ROLES] + ["s3.secretName"]
    for key in named:
        name = subject.value(key)
        if name and not _OBJECT.fullmatch(name):
            why = "names of objects are small letters, digits, hyphens and dots"
            yield error(key, name, why, "write the name as `kubectl get` shows it")


def image_that_is_none(subject: Subject) -> Iterator[Finding]:
    """An image that no registry can have, such as one with a tag in `image.repository`."""
    repository, tag = subject.value("image.repository"), subject.value("image.tag")
    if not _REPOSITORY.fullmatch(repository):
        name, _, given = repository.rpartition(":")
        fix = (
            f"set image.repository: {name} and image.tag: {given}"
            if _TAG.fullmatch(given)
            else ("write it in small letters, without scheme and tag")
        )
        why = f"the image would be {subject.spec['image']}, which is no image's name"
        yield error("image.repository", repository, why, fix)
    elif tag and not _TAG.fullmatch(tag):
        why = "a tag is letters, digits, dots, hyphens and underscores; 128 at most"
        yield error("image.tag", tag, why, "write the tag that was pushed")


def image_of_another_spark(subject: Subject) -> Iterator[Finding]:
    """An image that by its name is Spark's own, or holds another Spark or Hadoop than the job's."""
    image = str(subject.spec["image"])
    versions = {"spark": known().spark_version, "hadoop": known().hadoop_version}
    for what, version in _VERSION_IN_NAME.findall(image.lower()):
        if not f"{versions[what]}.".startswith(f"{version}."):
            why = f"by its name it holds {what} {version}; the job is of {what} {versions[what]}"
            yield warning("image", image, why, "build the job's image: make image")
    if _OF_SPARK_ALONE.search(subject.value("image.repository")):
        why = "this is an image of Spark alone: the job is not in it, nor are its jars"
        yield error("image.repository", image, why, "build the job's image: make image")


def moving_tag(subject: Subject) -> Iterator[Finding]:
    """A tag that names another image tomorrow: driver and executors may differ."""
    tag = subject.value("image.tag")
    if tag in _MOVING_TAGS and not subject.value("image.digest"):
        why = "nodes keep what they pulled under a tag: driver and executors may run other images"
        yield warning("image.tag", tag, why, "set a tag that stays, or image.digest")


def _label_problem(name: str, value: str) -> str:
    if len(value) > _LONGEST_LABEL:
        return f"its value has {len(value)} characters, of 63 at most"
    if not _LABEL_VALUE.fullmatch(value):
        return "its value is not letters, digits, hyphens, dots and underscores"
    if len(name.rpartition("/")[2]) > _LONGEST_LABEL or not _LABEL_KEY.fullmatch(name):
        return "its name is not letters, digits, hyphens, dots and underscores; 63 at most"
    return ""
