"""Lists the settings, obsolete names and credential providers of Spark, Delta and s3a in pom.xml.

`python docker/known_settings.py` writes job/deploy/lint/known_settings.json; `--check` only checks
whether that file is current. The script starts a JVM, but no SparkContext.
"""

from __future__ import annotations

import json
import re
import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pyspark.java_gateway import launch_gateway

from job.deploy.local.jars import pyspark_jar_folder

OUTPUT = Path(__file__).resolve().parents[1] / "job" / "deploy" / "lint" / "known_settings.json"
JARS = pyspark_jar_folder()
# Scala objects that register their settings when Java loads them.
REGISTERING_OBJECT = re.compile(
    r"org/apache/spark/("
    r"internal/config/\w+|deploy/k8s/Config|streaming/StreamingConf"
    r"|sql/internal/(Static)?SQLConf|sql/delta/sources/DeltaSQLConf)\$\.class"
)
# Some settings are not registered: their names are string constants in the classes.
SPARK_NAME = re.compile(r"spark(\.[A-Za-z][\w-]*){2,}")
S3A_NAME = re.compile(r"fs\.s3a(\.[a-z0-9][a-z0-9-]*)+")
PROVIDER = re.compile(r"(?!.*(/internal/|\$|/Abstract)).*/(auth|s3a)/.*Credentials?Provider\.class")
# Bytes after the tag of each kind of constant in a class file (JVM specification, 4.4).
CONSTANT_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4}
CONSTANT_SIZES |= {15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}


def known_settings() -> dict[str, Any]:
    """The content of the file: versions, names by reader, and advice for obsolete names."""
    registered, obsolete = _registered_settings()
    spark = registered | set(_string_constants(SPARK_NAME, r"(spark|delta)-"))
    s3a = set(_string_constants(S3A_NAME, r"hadoop-aws-")) | set(
        _defaults("core-default.xml", "fs.s3a.")
    )
    return {
        "spark_version": _version("spark-core_2.13"),
        "hadoop_version": _version("hadoop-client-api"),
        "spark": sorted(spark - set(obsolete)),
        "hadoop": sorted(s3a | set(_defaults("mapred-default.xml", "mapreduce."))),
        "credentials": sorted(_providers()),
        "obsolete": dict(sorted(obsolete.items())),
    }


def _registered_settings() -> tuple[set[str], dict[str, str]]:
    """The registered settings of Spark and Delta, and obsolete ones with Spark's advice."""
    gateway = launch_gateway()
    try:
        java = gateway.jvm.java.lang.Class
        for name in _class_names(REGISTERING_OBJECT, r"(spark|delta)-"):
            java.forName(name)
        entries = _static(java, "org.apache.spark.internal.config.ConfigEntry$", "knownConfigs")
        return set(entries.keySet()), dict(_obsolete(gateway.jvm, java))
    finally:
        gateway.shutdown()


def _obsolete(jvm: Any, java: Any) -> Iterator[tuple[str, str]]:
    core, prefix = "org.apache.spark.SparkConf$", "org$apache$spark$SparkConf$$"
    for new, olds in _items(_static(java, core, prefix + "configsWithAlternatives")):
        for old in _each(olds):
            yield old.key(), f"Spark {old.version()} renamed it to {new}"
    sql = _static(java, "org.apache.spark.sql.internal.SQLConf$", "MODULE$")
    for settings in (_static(java, core, "deprecatedConfigs"), sql.deprecatedSQLConfigs()):
        for old, entry in _items(settings):
            yield old, f"deprecated since Spark {entry.version()}: {_one_line(_message(entry))}"
    for old, entry in _items(sql.removedSQLConfigs()):
        yield old, f"removed in Spark {entry.version()}: {_one_line(entry.comment())}"


def _message(entry: Any) -> str:
    names = [method.getName() for method in entry.getClass().getMethods()]
    return str(entry.deprecationMessage() if "deprecationMessage" in names else entry.comment())


def _static(java: Any, class_name: str, name: str) -> Any:
    """A public or private field of a Scala object."""
    module = java.forName(class_name)
    field = module.getDeclaredField(name)
    field.setAccessible(True)
    return field.get(module.getField("MODULE$").get(None))


def _each(collection: Any) -> Iterator[Any]:
    iterator = collection.iterator()
    while iterator.hasNext():
        yield iterator.next()


def _items(scala_map: Any) -> Iterator[tuple[str, Any]]:
    return ((pair._1(), pair._2()) for pair in _each(scala_map))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _jars(names: str) -> Iterator[zipfile.ZipFile]:
    for path in sorted(JARS.glob("*.jar")):
        # Jobs do not read the settings of shells and servers.
        if re.match(names, path.name) and not re.search("-(connect|hive|repl|mllib)", path.name):
            with zipfile.ZipFile(path) as jar:
                yield jar


def _class_names(pattern: re.Pattern[str], jars: str) -> Iterator[str]:
    for jar in _jars(jars):
        for name in filter(pattern.fullmatch, jar.namelist()):
            yield name.removesuffix(".class").replace("/", ".")


def _providers() -> Iterator[str]:
    return _class_names(PROVIDER, r"(auth|sts|hadoop-aws)-")


def _string_constants(pattern: re.Pattern[str], jars: str) -> Iterator[str]:
    for jar in _jars(jars):
        for name in jar.namelist():
            if name.endswith(".class"):
                yield from filter(pattern.fullmatch, _constants(jar.read(name)))


def _constants(class_file: bytes) -> Iterator[str]:
    """The UTF-8 constants of a class file."""
    (count,) = struct.unpack_from(">H", class_file, 8)
    at, number = 10, 1
    while number < count:
        tag = class_file[at]
        if tag == 1:
            (length,) = struct.unpack_from(">H", class_file, at + 1)
            yield class_file[at + 3 : at + 3 + length].decode("utf-8", "replace")
            at += 3 + length
        else:
            at += 1 + CONSTANT_SIZES[tag]
        # A long and a double take two numbers.
        number += 2 if tag in (5, 6) else 1


def _defaults(file: str, prefix: str) -> Iterator[str]:
    for jar in _jars("hadoop-client-api-"):
        # The job executes the code of this jar, so it can trust its XML.
        defaults = ElementTree.fromstring(jar.read(file))  # noqa: S314
        for name in defaults.iterfind("property/name"):
            if str(name.text).startswith(prefix):
                yield str(name.text)


def _version(jar: str) -> str:
    (path,) = JARS.glob(f"{jar}-*.jar")
    return path.stem.removeprefix(f"{jar}-")


def main() -> int:
    """Write the file; with `--check`, return 1 if it is not current."""
    text = json.dumps(known_settings(), indent=0) + "\n"
    if "--check" in sys.argv:
        return 0 if OUTPUT.read_text(encoding="utf-8") == text else 1
    OUTPUT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
