"""The jars as they lie in pyspark's folder, and the real Ivy without a network."""

from __future__ import annotations

import json
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest

from job.deploy.local.jars import MARKER, JarsNotInstalledError, install_jars, pyspark_jar_folder

# An empty class that Spark's build puts into each of its jars.
IN_ALL_SPARK_JARS = "org/apache/spark/unused/UnusedStubClass.class"


def test_no_class_of_the_added_jars_is_in_spark_too() -> None:
    folder = pyspark_jar_folder()
    added = set(json.loads((folder / MARKER).read_text())["jars"])
    jars_of_class: dict[str, set[str]] = defaultdict(set)
    for jar in folder.glob("*.jar"):
        for name in zipfile.ZipFile(jar).namelist():
            if name.endswith(".class") and not name.startswith("META-INF/"):
                jars_of_class[name].add(jar.name)
    del jars_of_class[IN_ALL_SPARK_JARS]
    twice = {name: jars for name, jars in jars_of_class.items() if len(jars) > 1 and jars & added}
    assert twice == {}


def test_without_network_one_line_says_so_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A proxy on a port where nobody listens is as good as no network.
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9")
    folder = tmp_path / "jars"
    folder.mkdir()
    with pytest.raises(JarsNotInstalledError, match="connect to a Maven repository"):
        install_jars(folder)
    assert list(tmp_path.rglob("*")) == [folder]
