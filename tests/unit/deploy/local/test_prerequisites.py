"""Which Java the setup chooses, and its messages, on a PATH of stand-in programs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "job" / "deploy" / "local" / "prerequisites.sh"
TOOLS = ("sh", "sed", "dirname", "readlink", "id", "env", "ln", "mkdir")


def script(path: Path, text: str) -> None:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def java(home: Path, version: str) -> Path:
    """A Java home whose `java -version` says this version, as the real one does, on stderr."""
    script(home / "bin" / "java", f"echo 'openjdk version \"{version}\" 2025-04-15' >&2")
    return home


class Machine:
    """A PATH of few programs, a venv that is there already, and a folder for JVMs."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.jvms, self.venv = folder / "bin", folder / "jvm", folder / "venv"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(str(shutil.which(tool)))
        script(self.venv / "bin" / "python", "exit 0")

    def put_on_path(self, home: Path) -> None:
        (self.bin / "java").symlink_to(home / "bin" / "java")

    def set_up(self, **environment: str) -> subprocess.CompletedProcess[str]:
        given = {"PATH": str(self.bin), "JVM_FOLDER": str(self.jvms), **environment}
        command = ["sh", str(SCRIPT), str(self.venv)]
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    def java_home(self) -> Path:
        return Path((self.venv / "java-home").read_text().strip())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("version", ["17.0.15", "21"])
def test_a_fit_java_on_the_path_is_taken(machine: Machine, tmp_path: Path, version: str) -> None:
    home = java(tmp_path / "some java", version)
    machine.put_on_path(home)
    result = machine.set_up()
    assert (result.returncode, result.stderr) == (0, "")
    assert machine.java_home() == home


def test_a_newer_java_is_refused_with_a_line_and_an_older_one_found(
    machine: Machine, tmp_path: Path
) -> None:
    newer = java(tmp_path / "newer", "25.0.1")
    machine.put_on_path(newer)
    fit = java(machine.jvms / "java-17-openjdk-amd64", "17.0.15")
    result = machine.set_up()
    assert result.stderr == f"not used: {newer} is Java 25, Spark 4.1 needs 17 or 21\n"
    assert machine.java_home() == fit


def test_java_home_comes_before_the_path(machine: Machine, tmp_path: Path) -> None:
    machine.put_on_path(java(tmp_path / "on the path", "17"))
    wanted = java(tmp_path / "wanted", "21.0.2")
    machine.set_up(JAVA_HOME=str(wanted))
    assert machine.java_home() == wanted


def test_without_java_and_apt_one_line_says_what_to_install(machine: Machine) -> None:
    result = machine.set_up()
    assert result.returncode == 1
    assert result.stderr == (
        "Java 17 or 21 is missing and there is no apt here; fix: install Java 17 or 21\n"
    )


def test_apt_installs_java_21_where_there_is_no_17(machine: Machine, tmp_path: Path) -> None:
    fit = java(tmp_path / "packaged", "21")
    script(machine.bin / "apt-cache", 'test "$2" = openjdk-21-jre-headless')
    script(machine.bin / "sudo", 'exec "$@"')
    script(
        machine.bin / "apt-get",
        f'test "$1" = update || {{ mkdir -p {machine.jvms}; ln -s {fit} {machine.jvms}/java-21; }}',
    )
    result = machine.set_up()
    assert (result.returncode, result.stderr) == (0, "installing Java 17 or 21 by apt\n")
    assert machine.java_home() == machine.jvms / "java-21"
