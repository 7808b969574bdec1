"""Where images, results and logs are, and whether they are in each other's way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from job.deploy.lint.context import Subject, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.s3_uri import PATTERN, is_within, location

_OLD_SCHEME = re.compile(r"(^|,)\s*s3n?://")
# What names a host: s3a reads the bucket's name as one, and underscores are in none.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_FOLDERS = ("eventLog.dir", "decommission.fallbackStoragePath")
_OPTIONS = {
    "input_path": "--input",
    "output_path": "--output",
    "bundle_path": "--bundle",
    "model_path": "--model",
}
_EVENT_LOG = "spark.eventLog.enabled"


def wrong_argument(subject: Subject) -> Iterator[Finding]:
    """Arguments that the job's command line refuses."""
    for complaint in subject.arguments.complaints:
        yield error(
            "arguments",
            list(subject.arguments.given),
            f"the job refuses them: {complaint.what}"
            + (f"; expected {complaint.expected}" if complaint.expected else ""),
            complaint.fix or f"see image-features {subject.value('command')} --help",
        )


def path_not_on_s3(subject: Subject) -> Iterator[Finding]:
    """A path that pods cannot share: one of a disk, or of another store."""
    for option, path in _job_paths(subject):
        if not PATTERN.fullmatch(path):
            yield error(
                "arguments",
                f"{option} {path}",
                "executors on other nodes must reach it, and of all stores the image knows S3 only",
                f"write {option} s3a://bucket/folder",
            )


def bucket_without_a_host(subject: Subject) -> Iterator[Finding]:
    """A bucket whose name cannot be a host's, which s3a does not find."""
    named = [("arguments", f"{option} {path}", path) for option, path in _job_paths(subject)]
    named += [(key, subject.value(key), subject.value(key)) for key in _FOLDERS]
    for key, shown, path in named:
        found = PATTERN.fullmatch(path)
        if found and not _BUCKET.fullmatch(found[1]):
            why = "s3a reads the bucket as a host: small letters, digits, hyphens; 3 to 63 of them"
            yield error(key, shown, why, "choose a bucket with such a name")


def old_scheme(subject: Subject) -> Iterator[Finding]:
    """`s3://` or `s3n://` in a Spark setting: only the job itself reads them as `s3a://`."""
    for setting, value in subject.own_conf.items():
        if _OLD_SCHEME.search(value):
            why = "Spark has no client for s3:// outside EMR; the one client is s3a"
            yield error(conf_key(setting), value, why, "write s3a://")


def output_over_input(subject: Subject) -> Iterator[Finding]:
    """An output that is the input, or within it: the next run would list its own results."""
    paths = dict(_job_paths(subject))
    output, images = paths.get("--output", ""), paths.get("--input", "")
    if _lists_all(subject) and is_within(output, images):
        same = location(output) == location(images)
        where = "the input itself" if same else f"within the input {images}"
        yield error(
            "arguments",
            f"--output {output}",
            f"it is {where}: the next run would take this run's results for images",
            "write the results beside the images, not among them",
        )


def folder_in_the_input(subject: Subject) -> Iterator[Finding]:
    """Event logs or moved blocks within the input, where they would be taken for images."""
    images = dict(_job_paths(subject)).get("--input", "")
    for key in _FOLDERS:
        folder = subject.value(key)
        if _lists_all(subject) and is_within(folder, images):
            why = f"it is within the input {images}: its files would be taken for images"
            yield error(key, folder, why, "choose a folder outside the input")


def event_log_without_prefix(subject: Subject) -> Iterator[Finding]:
    """Event logs at the root of a bucket."""
    folder = subject.value("eventLog.dir")
    if PATTERN.fullmatch(folder) and not location(folder)[1]:
        why = "at the root of a bucket no policy and no lifecycle rule can be of the logs alone"
        yield warning("eventLog.dir", folder, why, f"write {folder.rstrip('/')}/event-logs")


def event_log_without_folder(subject: Subject) -> Iterator[Finding]:
    """Event logs that are switched on without a place that outlives the pod."""
    enabled = subject.own_conf.get(_EVENT_LOG, "false").lower() == "true"
    if enabled and "spark.eventLog.dir" not in subject.conf:
        why = "the log would go to /tmp of the driver's pod, and go with it"
        fix = "set eventLog.dir: s3a://bucket/event-logs instead"
        yield error(conf_key(_EVENT_LOG), True, why, fix)


def master_in_arguments(subject: Subject) -> Iterator[Finding]:
    """`--master` in the arguments, which takes the run off the cluster."""
    if subject.arguments.gives("--master"):
        why = "the operator says which cluster; with another master no executor would start"
        yield error("arguments", list(subject.arguments.given), why, "leave --master out")


def settings_in_arguments(subject: Subject) -> Iterator[Finding]:
    """`--conf` in the arguments, which comes too late for what pods are made of."""
    if subject.arguments.gives("--conf"):
        why = "the job reads it when the driver already runs: too late for memory, pods and jars"
        fix = "move it to sparkConf"
        yield warning("arguments", list(subject.arguments.given), why, fix)


def run_id_in_arguments(subject: Subject) -> Iterator[Finding]:
    """`--run-id` in the arguments: the application already names the run."""
    if subject.arguments.gives("--run-id"):
        why = "the application's name is the run's id; with a fixed one the next run does nothing"
        given = list(subject.arguments.given)
        yield error("arguments", given, why, "leave --run-id out, and set runId if need be")


def _job_paths(subject: Subject) -> list[tuple[str, str]]:
    options = subject.arguments.options
    return [(option, options[name]) for name, option in _OPTIONS.items() if options.get(name)]


def _lists_all(subject: Subject) -> bool:
    return bool(subject.arguments.options.get("glob", "**") == "**")
