#!/opt/venv/bin/python3
"""Prints the Debian, Python and Maven packages of the image as CycloneDX JSON."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

JAR_NAME = re.compile(r"^(?P<name>.+?)-(?P<version>\d[\w.+-]*?)$")

Component = dict[str, str]


def debian_packages() -> Iterator[Component]:
    """The installed Debian packages."""
    process = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package}\t${Version}\t${Architecture}\n"],
        check=True,
        capture_output=True,
        text=True,
    )
    for line in process.stdout.splitlines():
        name, version, architecture = line.split("\t")
        yield _component(name, version, f"pkg:deb/debian/{name}@{version}?arch={architecture}")


def python_packages() -> Iterator[Component]:
    """The Python packages with metadata in the virtual environment."""
    for package in importlib.metadata.distributions():
        name, version = package.metadata["Name"], package.version
        yield _component(name, version, f"pkg:pypi/{name.lower().replace('_', '-')}@{version}")


def maven_packages(jars: Path) -> Iterator[Component]:
    """The jars of Spark, and the shaded packages that a jar declares."""
    for jar in sorted(jars.glob("*.jar")):
        coordinates = list(_coordinates(jar))
        for group, name, version in coordinates or [("", *_from_file_name(jar))]:
            purl = (
                f"pkg:maven/{group}/{name}@{version}" if group else f"pkg:generic/{name}@{version}"
            )
            yield _component(name, version, purl, group)


def _coordinates(jar: Path) -> Iterator[tuple[str, str, str]]:
    with zipfile.ZipFile(jar) as archive:
        for entry in archive.namelist():
            if entry.startswith("META-INF/maven/") and entry.endswith("/pom.properties"):
                lines = archive.read(entry).decode().splitlines()
                pom = dict(line.split("=", 1) for line in lines if "=" in line)
                yield pom["groupId"].strip(), pom["artifactId"].strip(), pom["version"].strip()


def _from_file_name(jar: Path) -> tuple[str, str]:
    match = JAR_NAME.match(jar.stem)
    return (match["name"], match["version"]) if match else (jar.stem, "unknown")


def _component(name: str, version: str, purl: str, group: str = "") -> Component:
    fields = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    return {**fields, "group": group} if group else fields


def bill_of_materials(jars: Path) -> dict[str, object]:
    """The CycloneDX 1.5 document; lists a package in two jars once."""
    packages = [*debian_packages(), *python_packages(), *maven_packages(jars)]
    components = {component["bom-ref"]: component for component in packages}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "image-features"}},
        "components": [components[key] for key in sorted(components)],
    }


if __name__ == "__main__":
    json.dump(bill_of_materials(Path(os.environ["SPARK_HOME"]) / "jars"), sys.stdout, indent=1)
    print()
