"""Installs the jars of profile spark-4.0 of docker/pom.xml; runs with the Python of Spark 4.0."""

from __future__ import annotations

import tempfile
from pathlib import Path
from xml.etree import ElementTree

from job.deploy.local.jars import install_jars
from job.resources import jar_list

PROFILE = "spark-4.0"
POM = {"pom": "http://maven.apache.org/POM/4.0.0"}


def main() -> None:
    """Install the jars into the jar folder of pyspark."""
    with tempfile.TemporaryDirectory() as folder:
        pom = Path(folder) / "pom.xml"
        pom.write_bytes(with_profile(jar_list(), PROFILE))
        install_jars(pom=pom)


def with_profile(pom: Path, profile: str) -> bytes:
    """The pom.xml with the properties of a profile; Ivy does not know profiles."""
    tree = ElementTree.parse(pom)
    for candidate in tree.iterfind("pom:profiles/pom:profile", POM):
        if candidate.findtext("pom:id", "", POM) == profile:
            for value in candidate.iterfind("pom:properties/*", POM):
                default = tree.find(f"pom:properties/{value.tag}", POM)
                assert default is not None, f"{value.tag} has no default"
                default.text = value.text
    ElementTree.register_namespace("", POM["pom"])
    return ElementTree.tostring(tree.getroot())


if __name__ == "__main__":
    main()
