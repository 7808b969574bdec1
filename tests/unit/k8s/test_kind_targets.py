"""`make kind-up` and its like: which cluster they use, and what they leave there as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import RELEASE_LABEL, SESSION, session
from tests.unit.deploy.doctor.healthy import CONTROLLERS, controller
from tests.unit.deploy.submit.kubernetes_api import KubernetesApi, serving

ROOT = Path(__file__).parents[3]
CLUSTER = "test-of-make"
KUBECONFIG = ROOT / ".cache" / "kind" / f"{CLUSTER}.kubeconfig"
PREREQUISITE = 12
# Of a make that runs these tests, and of the shell that started it.
UNWANTED = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "LOCAL_KIND", "USE_CLUSTER", "NAMESPACE", "IMAGE")
OPERATOR, THEIR_NAMESPACE = "get deployments", "made-by!=kind-up"
OUR_NAMESPACE = "made-by=kind-up"

Call = dict[str, Any]


@dataclass
class Ran:
    """How a target has ended, its lines, and the programs that it called."""

    code: int
    lines: list[str]
    calls: list[Call]

    def of(self, program: str) -> list[list[str]]:
        """The arguments of each call of a program."""
        return [each["arguments"] for each in self.calls if each["program"] == program]

    def changes(self) -> list[list[str]]:
        """The calls that would change a cluster."""
        verbs = {"apply", "delete", "create", "patch", "scale", "install", "upgrade", "uninstall"}
        return [each for each in self.of("kubectl") + self.of("helm") if verbs & set(each)]


@dataclass
class Machine:
    """Programs that stand in for the real ones, our cluster, and one of other users."""

    folder: Path
    ours: KubernetesApi
    theirs: KubernetesApi
    clusters: str = CLUSTER
    answers: dict[str, str] = field(
        default_factory=lambda: {OPERATOR: "deployment.apps/x", OUR_NAMESPACE: "namespace/x"}
    )

    @property
    def their_kubeconfig(self) -> Path:
        return kubeconfig(self.theirs, self.folder / "theirs", "prod", "kind-dev")

    @property
    def environment(self) -> dict[str, str]:
        """With the other users' kubeconfig as KUBECONFIG."""
        given = {name: text for name, text in os.environ.items() if name not in UNWANTED}
        return given | {
            "PATH": f"{self.folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": str(self.their_kubeconfig),
            "MADE_KUBECONFIG": KUBECONFIG.read_text(),
            "CALLS": str(self.folder / "calls"),
            "CLUSTERS": self.clusters,
            "ANSWERS": json.dumps(self.answers),
        }

    def calls(self) -> list[Call]:
        """The calls of these programs since this was asked last."""
        path = self.folder / "calls"
        made = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text("")
        return made

    def make(self, target: str, *variables: str, exported: Path | None = None) -> Ran:
        """Run a target with `exported`, else the other users' kubeconfig, as KUBECONFIG."""
        venv = self.folder / "venv"
        environment = self.environment | ({"KUBECONFIG": str(exported)} if exported else {})
        # Its children end with it.
        command = ["timeout", "60", "make", target, f"VENV={venv}", f"--old-file={venv}/.installed"]
        ended = subprocess.run(
            [*command, f"CLUSTER={CLUSTER}", *variables],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            # A process that is left behind holds the output open.
            timeout=120,
        )
        return Ran(ended.returncode, ended.stdout.splitlines(), self.calls())


def kubeconfig(api: KubernetesApi, folder: Path, *contexts: str) -> Path:
    """A kubeconfig of this server, whose contexts have these names; the first is current."""
    folder.mkdir(exist_ok=True)
    path = api.kubeconfig(folder)
    config = json.loads(path.read_text())
    (only,) = config["contexts"]
    config["contexts"] = [{**only, "name": name} for name in contexts]
    config["current-context"] = contexts[0]
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / "venv" / ".installed").touch()
    text = Path(__file__).with_name("stand_in.py").read_text()
    for name in ("kind", "kubectl", "helm", "docker", "python"):
        (programs / name).write_text(f"#!{sys.executable} -IS\n{text}")
        (programs / name).chmod(0o755)
    (tmp_path / "calls").touch()
    KUBECONFIG.parent.mkdir(parents=True, exist_ok=True)
    with serving(KubernetesApi()) as ours, serving(KubernetesApi()) as theirs:
        for api in (ours, theirs):
            api.objects[CONTROLLERS] = {"items": [controller("--namespaces=image-features")]}
        it = Machine(tmp_path, ours, theirs)
        KUBECONFIG.write_text(kubeconfig(ours, tmp_path / "ours", f"kind-{CLUSTER}").read_text())
        yield it
    KUBECONFIG.unlink(missing_ok=True)


@pytest.mark.parametrize("target", ["kind-up", "kind-run"])
def test_an_exported_kubeconfig_is_ignored_in_one_line(machine: Machine, target: str) -> None:
    ran = machine.make(target)
    assert machine.theirs.requests == []
    assert machine.ours.requests != []
    used = {each["KUBECONFIG"] for each in ran.calls if each["program"] != "docker"}
    assert used == {str(KUBECONFIG)}
    (line,) = [each for each in ran.lines if "is ignored" in each]
    assert f"kind-{CLUSTER}" in line
    assert "USE_CLUSTER=<context>" in line


@pytest.mark.parametrize("target", ["e2e", "chaos-cluster"])
def test_tests_get_one_cluster_and_its_context(machine: Machine, target: str) -> None:
    def given(*variables: str) -> tuple[str, str]:
        (call,) = machine.make(target, "--old-file=kind-up", *variables).calls
        return call["KUBECONFIG"], call["KUBE_CONTEXT"]

    assert given() == (str(KUBECONFIG), f"kind-{CLUSTER}")
    assert given("KUBECONFIG=x") == (str(KUBECONFIG), f"kind-{CLUSTER}")
    assert given("USE_CLUSTER=kind-dev") == (str(machine.their_kubeconfig), "kind-dev")


def test_a_context_that_was_added_to_our_kubeconfig_is_not_used(machine: Machine) -> None:
    """`aws eks update-kubeconfig` adds one to the file of KUBECONFIG, and switches to it."""
    config = json.loads(KUBECONFIG.read_text())
    theirs = json.loads(machine.their_kubeconfig.read_text())
    config["contexts"] += [{"name": "prod", "context": {"cluster": "theirs", "user": "test"}}]
    config["clusters"] += [{**theirs["clusters"][0], "name": "theirs"}]
    config["current-context"] = "prod"
    KUBECONFIG.write_text(json.dumps(config))
    machine.make("kind-run", exported=KUBECONFIG)
    assert machine.theirs.requests == []
    assert machine.ours.requests != []


def test_kind_down_deletes_the_cluster_of_kind_up_alone(machine: Machine) -> None:
    ran = machine.make("kind-down")
    assert ran.of("kind")[-1] == ["delete", "cluster", "--name", CLUSTER]
    assert {each["KUBECONFIG"] for each in ran.calls} == {str(KUBECONFIG)}
    assert machine.make("kind-down", "USE_CLUSTER=kind-dev").calls == []


def test_kind_up_leaves_an_operator_as_it_is_and_ends_with_the_line_to_export(
    machine: Machine,
) -> None:
    ran = machine.make("kind-up", exported=KUBECONFIG)
    assert ran.code == 0, ran.lines
    assert ran.of("helm") == []
    assert ran.lines[-1] == f"export KUBECONFIG={KUBECONFIG}"
    assert [each for each in ran.lines if "is ignored" in each] == []


def test_an_operator_is_installed_where_there_is_none(machine: Machine) -> None:
    machine.answers[OPERATOR] = ""
    ((verb, *options),) = machine.make("kind-up").of("helm")
    assert verb == "install"
    assert "spark.jobNamespaces={image-features}" in options


@pytest.mark.parametrize("variables", [(), ("USE_CLUSTER=prod",)])
def test_an_operator_that_watches_other_namespaces_is_left_to_the_user(
    machine: Machine, variables: tuple[str, ...]
) -> None:
    for api in (machine.ours, machine.theirs):
        api.objects[CONTROLLERS] = {"items": [controller("--namespaces=a,b")]}
    ran = machine.make("kind-up", *variables)
    assert ran.code != 0
    assert ran.of("helm") == []
    (line,) = [each for each in ran.lines if "no spark-operator watches image-features" in each]
    assert "'spark.jobNamespaces={a,b,image-features}'" in line


@pytest.mark.parametrize("target", ["kind-up", "kind-run"])
def test_another_cluster_is_used_where_its_context_is_named(machine: Machine, target: str) -> None:
    ran = machine.make(target, "USE_CLUSTER=kind-dev")
    assert machine.ours.requests == []
    assert machine.theirs.requests != []
    contexts = {tuple(each[:2]) for each in ran.of("kubectl") if "--local" not in each}
    assert contexts == {("--context", "kind-dev")}
    assert ran.of("helm") == []
    load = ["load", "docker-image", "--name", "dev"]
    images = ["image-features:dev", "image-features-s3:dev"] if target == "kind-up" else []
    assert ran.of("kind") == [[*load, image] for image in images]
    assert [each for each in ran.lines if "is ignored" in each or "export KUBECONFIG" in each] == []


def test_one_line_says_that_nodes_of_another_kind_of_cluster_pull_images(machine: Machine) -> None:
    ran = machine.make("kind-up", "USE_CLUSTER=prod")
    assert ran.of("kind") == []
    (line,) = [each for each in ran.lines if "must pull" in each]
    assert "prod is not a kind cluster" in line


def test_a_namespace_of_other_users_is_left_alone(machine: Machine) -> None:
    machine.answers = {THEIR_NAMESPACE: "namespace/image-features"}
    ran = machine.make("kind-up", "USE_CLUSTER=prod")
    assert ran.code != 0
    assert ran.changes() == []
    assert any("kind-up did not make the namespace image-features" in each for each in ran.lines)


def test_without_an_operator_another_cluster_gets_a_namespace_only(machine: Machine) -> None:
    machine.theirs.objects[CONTROLLERS] = {"items": []}
    ran = machine.make("kind-up", "USE_CLUSTER=prod")
    assert ran.code != 0
    (line,) = [each for each in ran.lines if "no spark-operator watches" in each]
    assert "install the kubeflow spark-operator" in line
    assert [each[2] for each in ran.changes()] == ["apply"]
    assert ran.of("docker") == []


@pytest.mark.parametrize(
    ("shared", "deleted"),
    [("kind-dev", {f"{SESSION}-submit"}), ("", {f"{SESSION}-submit", "e2e-0123ab-submit"})],
)
def test_tests_see_one_context_and_delete_releases_of_test_sessions_only(
    machine: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shared: str,
    deleted: set[str],
) -> None:
    """Those of other sessions too, which were killed, but only in the cluster of kind-up."""
    releases = ("fruits", "e2e", "e2e-tests-of-a-user", "e2e-0123ab-submit", f"{SESSION}-submit")
    objects = [
        {"kind": "Role", "metadata": {"name": each, "labels": {RELEASE_LABEL: each}}}
        for each in releases
    ]
    machine.answers = {"get scheduledsparkapplications": json.dumps({"items": objects})}
    variables = {"KUBE_CONTEXT": "kind-dev", "USE_CLUSTER": shared}
    for name, text in (machine.environment | variables).items():
        monkeypatch.setenv(name, text)
    with session(tmp_path):
        config = json.loads(Path(os.environ["KUBECONFIG"]).read_text())
        assert [each["name"] for each in config["contexts"]] == ["kind-dev"]
    assert os.environ["KUBECONFIG"] == str(machine.their_kubeconfig)
    targets = [each["arguments"] for each in machine.calls() if "delete" in each["arguments"]]
    names = {word.removeprefix("Role/") for each in targets for word in each if "Role/" in word}
    assert names == deleted
