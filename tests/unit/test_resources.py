"""The data files of the job exist where the job looks for them."""

from __future__ import annotations

from xml.etree import ElementTree

import yaml

from job import resources

POM = {"pom": "http://maven.apache.org/POM/4.0.0"}


def test_the_base_settings_are_a_flat_mapping_of_strings() -> None:
    settings = yaml.safe_load(resources.spark_base_settings().read_text(encoding="utf-8"))
    assert settings["spark.hadoop.fs.s3a.committer.name"] == "magic"
    assert {type(value) for value in settings.values()} == {str}


def test_the_jar_list_has_each_version_once() -> None:
    pom = ElementTree.parse(resources.jar_list())
    versions = [version.text for version in pom.iterfind("pom:dependencies//pom:version", POM)]
    assert {text.strip("${}").endswith(".version") for text in versions if text} == {True}
    values = [entry.text for entry in pom.iterfind("pom:properties/*", POM)]
    assert len(values) == len(set(values))
