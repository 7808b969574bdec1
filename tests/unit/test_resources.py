"""The data files beside the package are where the job looks for them."""

from __future__ import annotations

from xml.etree import ElementTree

import yaml

from job import resources

POM = {"pom": "http://maven.apache.org/POM/4.0.0"}


def test_the_spark_settings_are_one_flat_list_of_text() -> None:
    settings = yaml.safe_load(resources.spark_base_settings().read_text(encoding="utf-8"))
    assert settings["spark.hadoop.fs.s3a.committer.name"] == "magic"
    assert {type(value) for value in settings.values()} == {str}


def test_the_jar_list_writes_each_version_once() -> None:
    pom = ElementTree.parse(resources.jar_list())
    versions = [version.text for version in pom.iterfind("pom:dependencies//pom:version", POM)]
    assert {text.strip("${}").endswith(".version") for text in versions if text} == {True}
    values = [entry.text for entry in pom.iterfind("pom:properties/*", POM)]
    assert len(values) == len(set(values))
