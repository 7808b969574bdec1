"""Jars that a run adds: of other versions than those in the image they break s3a or Delta."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from job import resources
from job.deploy.lint.context import Subject, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.deploy.lint.known_settings import known

_PACKAGES = "spark.jars.packages"
_ADDING = (_PACKAGES, "spark.jars")
# group:name:version, or a file's name-version.jar
_COORDINATE = re.compile(r"[\w.-]+:(?P<name>[\w.-]+):(?P<version>[\w.-]+)")
_FILE = re.compile(r"(?:.*/)?(?P<name>[\w.-]+?)-(?P<version>\d[\w.]*)\.jar")
_SCALA = re.compile(r"_(2\.1\d)$")
_POM = {"pom": "http://maven.apache.org/POM/4.0.0"}
_TWICE = (
    "the image has it in its own version; two of them on one class path end in NoSuchMethodError"
)


def jar_of_another_version(subject: Subject) -> Iterator[Finding]:
    """hadoop-aws, Delta or another jar of the image once more, in another version than fits."""
    fitting = _fitting_versions()
    for setting, jar, name, version in _added(subject):
        plain = _SCALA.sub("", name)
        scala = _SCALA.search(name)
        if plain == "hadoop-aws" and version != fitting[plain]:
            bundled = f"Spark {known().spark_version} has Hadoop {known().hadoop_version}"
            why = f"{bundled}, and hadoop-aws must equal it"
            yield error(conf_key(setting), jar, why, "leave it out: the image has what fits")
        elif scala and scala[1] != fitting["scala"]:
            why = f"it is built for Scala {scala[1]}, and this Spark is of Scala {fitting['scala']}"
            yield error(conf_key(setting), jar, why, f"take its _{fitting['scala']} build")
        elif plain in fitting:
            same = version == fitting[plain]
            yield (warning if same else error)(conf_key(setting), jar, _TWICE, "leave it out")


def sdk_bundle(subject: Subject) -> Iterator[Finding]:
    """The bundle of an AWS SDK: of the first, which nothing reads, or 558 MB of the second."""
    for setting, jar, name, _ in _added(subject):
        if name.startswith("aws-java-sdk"):
            why = "Hadoop 3.4 has the second AWS SDK; nothing reads the first"
            yield error(conf_key(setting), jar, why, "leave it out")
        elif name == "bundle" and "software.amazon" in jar:
            why = "558 MB for what the image has in 9.6 MB"
            yield warning(conf_key(setting), jar, why, "leave it out")


def packages_without_a_way(subject: Subject) -> Iterator[Finding]:
    """`spark.jars.packages` behind a network policy that lets nobody to a repository."""
    value = subject.own_conf.get(_PACKAGES)
    open_ways = subject.value("networkPolicy.extraEgress")
    if value and subject.value("networkPolicy.enabled") and not open_ways:
        why = "the driver would fetch it from a repository when it starts"
        fix = "put the jar into the image, or open the way in networkPolicy.extraEgress"
        yield warning(conf_key(_PACKAGES), value, why, fix)


def _added(subject: Subject) -> Iterator[tuple[str, str, str, str]]:
    """(setting, as it is written, name, version) of each jar that the values add."""
    for setting in _ADDING:
        for jar in map(str.strip, subject.own_conf.get(setting, "").split(",")):
            found = _COORDINATE.fullmatch(jar) or _FILE.fullmatch(jar)
            if found:
                yield setting, jar, found["name"], found["version"]


def _fitting_versions() -> dict[str, str]:
    """By the name of a jar, without Scala's version, the version in the image; and Scala's."""
    # A file of ours, which comes with the package.
    pom = ElementTree.parse(resources.jar_list())  # noqa: S314
    properties = {
        f"${{{entry.tag.rpartition('}')[2]}}}": str(entry.text)
        for entry in pom.iterfind("pom:properties/*", _POM)
    }
    versions = {"scala": properties["${scala.version}"]}
    for jar in pom.iterfind("pom:dependencies/pom:dependency", _POM):
        name = jar.findtext("pom:artifactId", "", _POM).removesuffix("_${scala.version}")
        versions[name] = properties[jar.findtext("pom:version", "", _POM)]
    return versions
