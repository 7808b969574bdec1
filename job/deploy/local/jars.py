"""Installs the jars of docker/pom.xml into the jars folder of pyspark.

`python -m job.deploy.local.jars`; a second call does nothing and needs no network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from job.errors import JobError
from job.resources import jar_list

MARKER = "image-features-jars.json"


class JarsNotInstalledError(JobError):
    """The jars could not be installed."""


def main() -> int:
    """Install the jars and print the result; returns 0, or 1 with one line on stderr."""
    try:
        installed = install_jars()
    except JarsNotInstalledError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{len(installed)} jars installed" if installed else "jars are up to date")
    return 0


def install_jars(jar_folder: Path | None = None, pom: Path | None = None) -> list[str]:
    """Install the jars of `pom` into `jar_folder`, and remove those of an earlier list.

    The defaults are docker/pom.xml and the jar folder of pyspark. Returns the names of the
    installed jars, empty if they were already there. Raises JarsNotInstalledError without Java or
    network.
    """
    folder, pom = jar_folder or pyspark_jar_folder(), pom or jar_list()
    list_sha256 = hashlib.sha256(pom.read_bytes()).hexdigest()
    installed = _Marker.read(folder)
    if installed.jar_list_sha256 == list_sha256 and installed.jars_are_in(folder):
        return []
    # On the filesystem of the target, so that each move is a rename.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".jars-") as download:
        jars = _download(Path(download), pom)
        for name in installed.jars:
            (folder / name).unlink(missing_ok=True)
        for jar in jars:
            jar.replace(folder / jar.name)
    names = sorted(jar.name for jar in jars)
    _Marker(list_sha256, names).write(folder)
    return names


def pyspark_jar_folder() -> Path:
    """The jars folder of the pyspark that this Python imports."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise JarsNotInstalledError(
            "pyspark is not installed", fix="pip install -r docker/requirements.txt"
        )
    return Path(spec.origin).parent / "jars"


def _download(folder: Path, pom: Path) -> list[Path]:
    """Resolve `pom` with Spark's Ivy; a private cache keeps the result reproducible."""
    command = [
        *(_java(), "-cp", str(_ivy_jar()), "org.apache.ivy.Main", "-ivy", str(pom)),
        *("-cache", str(folder / "cache"), "-confs", "runtime", "-types", "jar"),
        *("-retrieve", f"{folder}/[artifact]-[revision].[ext]"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    jars = list(folder.glob("*.jar"))
    # Ivy exits with 0 after a failed download; only its report shows the failure.
    if result.returncode != 0 or "FAILED" in result.stdout or not jars:
        raise JarsNotInstalledError(
            f"Ivy could not fetch the jars of {pom.name}: {_reason(result)}",
            fix="connect to a Maven repository and run this again",
        )
    return jars


def _reason(result: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (result.stdout + result.stderr).splitlines()]
    pattern = re.compile(r"UnknownHost|ConnectException|timed out|SSLHandshake|not found|FAILED")
    return next((line for line in lines if pattern.search(line)), f"exit code {result.returncode}")


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        raise JarsNotInstalledError(
            f"no java in JAVA_HOME ({home})" if home else "no java on PATH",
            expected="Java 17 or 21",
            fix="install it or set JAVA_HOME",
        )
    return java


def _ivy_jar() -> Path:
    return next(pyspark_jar_folder().glob("ivy-*.jar"))


@dataclass(frozen=True)
class _Marker:
    """Which jars an earlier call installed, and from which list."""

    jar_list_sha256: str = ""
    jars: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> _Marker:
        marker = folder / MARKER
        return cls(**json.loads(marker.read_text())) if marker.is_file() else cls()

    def write(self, folder: Path) -> None:
        draft = folder / f"{MARKER}.new"
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(folder / MARKER)

    def jars_are_in(self, folder: Path) -> bool:
        return all((folder / name).is_file() for name in self.jars)


if __name__ == "__main__":
    sys.exit(main())
