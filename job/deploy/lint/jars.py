"""Jars that a run adds: a version other than the image's breaks s3a or Delta."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from job import resources
from job.deploy.lint.context import LintContext, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.deploy.lint.known_settings import known_settings

_PACKAGES = "spark.jars.packages"
_JAR_SETTINGS = (_PACKAGES, "spark.jars")
# group:name:version, or a file's name-version.jar
_COORDINATE = re.compile(r"[\w.-]+:(?P<name>[\w.-]+):(?P<version>[\w.-]+)")
_FILE = re.compile(r"(?:.*/)?(?P<name>[\w.-]+?)-(?P<version>\d[\w.]*)\.jar")
_SCALA = re.compile(r"_(2\.1\d)$")
# The Spark that a jar of Delta is built for: delta-spark_4.1_2.13.
_SPARK = re.compile(r"_4\.\d$")
_POM = {"pom": "http://maven.apache.org/POM/4.0.0"}
_DUPLICATE = (
    "the image already has this jar; two versions on one class path end in NoSuchMethodError"
)


def jar_version_conflict(context: LintContext) -> Iterator[Finding]:
    """A jar that the image already has, in a version that does not fit: hadoop-aws, Delta, ..."""
    versions = _image_versions()
    for setting, jar, name, version in _added_jars(context):
        plain = _SPARK.sub("", _SCALA.sub("", name))
        scala = _SCALA.search(name)
        if plain == "hadoop-aws" and version != versions[plain]:
            known = known_settings()
            bundled = f"Spark {known.spark_version} has Hadoop {known.hadoop_version}"
            why = f"{bundled}, and hadoop-aws must equal it"
            yield error(conf_key(setting), jar, why, "leave it out: the image has the right one")
        elif scala and scala[1] != versions["scala"]:
            why = f"it is built for Scala {scala[1]}, and this Spark for Scala {versions['scala']}"
            yield error(conf_key(setting), jar, why, f"use its _{versions['scala']} build")
        elif plain in versions:
            same = version == versions[plain]
            yield (warning if same else error)(conf_key(setting), jar, _DUPLICATE, "leave it out")


def sdk_bundle(context: LintContext) -> Iterator[Finding]:
    """A bundle of an AWS SDK: version 1 is not used, version 2 is 558 MB."""
    for setting, jar, name, _ in _added_jars(context):
        if name.startswith("aws-java-sdk"):
            why = "Hadoop 3.4 uses AWS SDK v2; nothing uses v1"
            yield error(conf_key(setting), jar, why, "leave it out")
        elif name == "bundle" and "software.amazon" in jar:
            why = "it is 558 MB, and the image has the classes it needs in 9.6 MB"
            yield warning(conf_key(setting), jar, why, "leave it out")


def packages_blocked_by_network_policy(context: LintContext) -> Iterator[Finding]:
    """`spark.jars.packages` is set, and the network policy blocks Maven repositories."""
    value = context.own_conf.get(_PACKAGES)
    extra_egress = context.value("networkPolicy.extraEgress")
    if value and context.value("networkPolicy.enabled") and not extra_egress:
        why = "the driver downloads it from a Maven repository when it starts"
        fix = "put the jar into the image, or allow the repository in networkPolicy.extraEgress"
        yield warning(conf_key(_PACKAGES), value, why, fix)


def _added_jars(context: LintContext) -> Iterator[tuple[str, str, str, str]]:
    """(setting, jar as written, name, version) of each jar that the values add."""
    for setting in _JAR_SETTINGS:
        for jar in map(str.strip, context.own_conf.get(setting, "").split(",")):
            match = _COORDINATE.fullmatch(jar) or _FILE.fullmatch(jar)
            if match:
                yield setting, jar, match["name"], match["version"]


def _image_versions() -> dict[str, str]:
    """{jar name without the Scala suffix: version in the image}; `scala` has Scala's version."""
    # The file is part of this package: it can be trusted.
    pom = ElementTree.parse(resources.jar_list())  # noqa: S314
    properties = {
        f"${{{entry.tag.rpartition('}')[2]}}}": str(entry.text)
        for entry in pom.iterfind("pom:properties/*", _POM)
    }
    versions = {"scala": properties["${scala.version}"]}
    for jar in pom.iterfind("pom:dependencies/pom:dependency", _POM):
        name = jar.findtext("pom:artifactId", "", _POM).removesuffix("_${scala.version}")
        name = _SPARK.sub("", properties.get(name, name))
        versions[name] = properties[jar.findtext("pom:version", "", _POM)]
    return versions
