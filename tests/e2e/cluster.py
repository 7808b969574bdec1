"""The cluster as the tests see it: applications, pods, their logs, and the objects of its S3."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from obstore.store import S3Store

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "image-features"
KIND = CHART / "ci" / "kind.yaml"
# SUBMISSION_FAILED is not the end: the operator submits again.
ENDED = ("COMPLETED", "FAILED")
# Each session of tests has its own releases and its own folder.
SESSION = f"e2e-{secrets.token_hex(3)}"
OUTPUTS = f"e2e/{datetime.now(UTC):%Y%m%dt%H%M%S}"
# The chart puts it on all that it makes.
RELEASE_LABEL = "app.kubernetes.io/instance"
OF_A_SESSION = re.compile(r"e2e-[0-9a-f]{6}(-|$)")
KINDS = (
    "scheduledsparkapplications,sparkapplications,serviceaccounts,roles,rolebindings,"
    "networkpolicies,poddisruptionbudgets,pods"
)

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """What KUBECONFIG points at, one namespace of it, the values for it, and the image under test.

    `shared` where others use the cluster too: only this session's releases may change there.
    """

    values: Path
    namespace: str = field(default_factory=lambda: os.environ.get("NAMESPACE", "image-features"))
    image: str = field(default_factory=lambda: os.environ.get("IMAGE", "image-features:dev"))
    shared: bool = field(default_factory=lambda: bool(os.environ.get("USE_CLUSTER")))

    def skip_if_shared(self) -> None:
        """For each test that changes the operator, a kind or a node."""
        if self.shared:
            pytest.skip("others share what it changes in the cluster of USE_CLUSTER")

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """kubectl's standard output; an error is raised with its standard error."""
        answer = subprocess.run(
            ["kubectl", "--namespace", self.namespace, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and answer.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {answer.stderr}")
        return answer.stdout if not answer.returncode else answer.stdout + answer.stderr

    def helm(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """helm in the namespace; it is the caller who looks at the exit code."""
        command = ["helm", *arguments, "--namespace", self.namespace]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=False, timeout=900
        )

    def chart(self, values: Manifest, *arguments: str, file: Path | None = None) -> str:
        """What helm prints of the chart, with `file`, these values and the image under test."""
        given = (str(CHART), "--values", str(file or self.values), "--values", "-")
        ended = self.helm(*arguments, *given, stdin=json.dumps(values | self.image_values))
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def get(self, *arguments: str) -> Manifest:
        """One object, or a list, as data."""
        return dict(json.loads(self.kubectl("get", *arguments, "-o", "json")))

    @property
    def image_values(self) -> Manifest:
        """The image under test, as the chart's values have it."""
        repository, tag = self.image.rsplit(":", 1)
        return {"image": {"repository": repository, "tag": tag}}

    def render(self, values: Manifest, file: Path | None = None) -> str:
        """The chart as plain YAML, with the image under test."""
        return self.chart(values, "template", SESSION, "--skip-tests", file=file)

    def apply(self, values: Manifest, file: Path | None = None) -> str:
        """`kubectl apply` of the rendered chart; the application's name."""
        self.kubectl("apply", "-f", "-", stdin=self.render(values, file))
        return f"{SESSION}-{values['runId']}"

    def delete_releases(self, chosen: Callable[[str], bool]) -> None:
        """Delete the objects of the chart whose release is `chosen` by its name."""
        found = self.get(KINDS, "-l", "app.kubernetes.io/name=image-features")["items"]
        targets = [
            f"{each['kind']}/{each['metadata']['name']}"
            for each in found
            if chosen(each["metadata"]["labels"][RELEASE_LABEL])
        ]
        if targets:
            self.kubectl("delete", "--ignore-not-found", *targets)

    def state(self, application: str) -> str:
        """The state that the operator reports; empty before it does."""
        status = self.get("sparkapplication", application).get("status", {})
        return str(status.get("applicationState", {}).get("state", ""))

    def wait(self, application: str, seconds: int = 900) -> str:
        """The state in which the application has ended."""
        until(lambda: self.state(application) in ENDED, f"{application} ends", seconds)
        return self.state(application)

    def driver_log(self, application: str) -> str:
        return self.kubectl("logs", f"{application}-driver", check=False)

    def wait_for_log(self, application: str, text: str, seconds: int = 600) -> None:
        """Until the driver has said `text`; an application that has ended will not say it."""

        def said() -> bool:
            assert self.state(application) not in ENDED, self.driver_log(application)[-3000:]
            return text in self.driver_log(application)

        until(said, f"{application} says {text!r}", seconds)

    def executors(self, application: str) -> list[Manifest]:
        """Its executor pods that run."""
        selector = f"sparkoperator.k8s.io/app-name={application},spark-role=executor"
        pods = self.get("pods", "-l", selector)["items"]
        return [pod for pod in pods if pod["status"]["phase"] == "Running"]

    def executor_addresses(self, application: str) -> set[str]:
        """Addresses of the executor pods of an application, of those too that have ended."""
        selector = f"sparkoperator.k8s.io/app-name={application},spark-role=executor"
        pods = self.get("pods", "-l", selector)["items"]
        return {str(pod["status"]["podIP"]) for pod in pods if "podIP" in pod["status"]}

    def secret(self, name: str) -> dict[str, str]:
        data = self.get("secret", name)["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    @contextmanager
    def bucket(self, name: str) -> Iterator[S3Store]:
        """A bucket of the S3 in the cluster."""
        with self.forwarded("service/s3", 8333) as port:
            keys = self.secret("s3-credentials")
            yield S3Store(
                name,
                endpoint=f"http://127.0.0.1:{port}",
                region="us-east-1",
                access_key_id=keys["AWS_ACCESS_KEY_ID"],
                secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
                client_options={"allow_http": True},
            )

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[int]:
        """A port of this machine that leads to one of a service in the cluster."""
        command = ["kubectl", "--namespace", self.namespace, "port-forward", target, f":{port}"]
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(command, stdout=log)
            try:
                yield _forwarded_port(log)
            finally:
                process.terminate()
                process.wait()

    def put(self, bucket: str, prefix: str, folder: Path) -> None:
        """Each file below `folder`, under `prefix`."""
        with self.bucket(bucket) as store:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    store.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path)

    def fetch(self, bucket: str, prefix: str, folder: Path) -> Path:
        """Each object under `prefix`, below `folder`."""
        with self.bucket(bucket) as store:
            for item in (item for page in store.list(f"{prefix}/") for item in page):
                # SeaweedFS lists folders too; they cannot be read.
                if not item["size"]:
                    continue
                path = folder / item["path"].removeprefix(prefix).lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(store.get(item["path"]).bytes().to_bytes())
        return folder

    def s3_requests(self, since: str, until_then: str) -> list[S3Request]:
        """The S3 server's access log between two times as `now` gives them."""
        log = self.kubectl("logs", "deployment/s3", "--timestamps", f"--since-time={since}")
        return [
            S3Request(*found.groups()[1:])
            for found in ACCESS.finditer(log)
            if found[1] <= until_then.rstrip("Z")
        ]


def release(name: str) -> str:
    """A release of this session: no user's release has its name, 20 characters at most."""
    assert len(name) <= 9, name
    return f"{SESSION}-{name}"


def is_of_this_session(release: str) -> bool:
    return release == SESSION or release.startswith(f"{SESSION}-")


def is_of_a_session(release: str) -> bool:
    return OF_A_SESSION.match(release) is not None


@contextmanager
def session(folder: Path) -> Iterator[Cluster]:
    """The cluster that make names, until the block ends; then the releases of this session go.

    Each program that the tests start sees one context: that of KUBE_CONTEXT, in a file in `folder`.
    """
    context = os.environ.get("KUBE_CONTEXT")
    if context is None:
        pytest.exit("no cluster is named; run `make e2e` or `make chaos-cluster`", returncode=2)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KUBECONFIG", str(_kubeconfig_of(context, folder)))
        cluster = Cluster(folder / "values.yaml")
        address = f"s3.{cluster.namespace}.svc"
        cluster.values.write_text(KIND.read_text().replace("s3.image-features.svc", address))
        if not cluster.shared:
            # A session that was killed has left its own.
            cluster.delete_releases(is_of_a_session)
        yield cluster
        cluster.delete_releases(is_of_this_session)


def _kubeconfig_of(context: str, folder: Path) -> Path:
    command = ["kubectl", "config", "view", "--raw", "--minify", "--flatten", "--context", context]
    file = folder / "kubeconfig"
    file.touch(mode=0o600)
    file.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return file


@dataclass(frozen=True)
class S3Request:
    """One line of the S3 server's access log; `copy_source` is "-" unless the request copies."""

    address: str
    method: str
    path: str
    status: str
    copy_source: str


ACCESS = re.compile(
    r'^([^.]+)\.\d+Z (\S+) "(\S+) (\S+) [^"]*" (\d+) \d+ copy="([^"]*)"$', re.MULTILINE
)


def now() -> str:
    """The time in UTC, to the second (RFC 3339)."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def until(true: Callable[[], bool], what: str, seconds: int) -> None:
    """Wait until `true()`; raises after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds} s until {what}"
        time.sleep(2)


def _forwarded_port(log: Any) -> int:
    found = None
    while found is None:
        time.sleep(0.1)
        log.seek(0)
        found = re.search(r"127\.0\.0\.1:(\d+)", log.read())
    return int(found[1])
