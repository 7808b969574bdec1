"""Paths of images, results and logs, and whether one lies inside another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from job.config import LOCATIONS
from job.deploy.lint.context import LintContext, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.path_rules import is_within
from job.s3_uri import S3_URI, parse_s3_uri

_OLD_SCHEME = re.compile(r"(^|,)\s*s3n?://")
# s3a uses the bucket name as a host name, which must not have underscores.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_FOLDERS = ("eventLog.dir", "decommission.fallbackStoragePath")
_EVENT_LOG = "spark.eventLog.enabled"


def invalid_argument(context: LintContext) -> Iterator[Finding]:
    """The job's command line rejects the arguments."""
    for problem in context.arguments.errors:
        yield error(
            "arguments",
            list(context.arguments.words),
            f"the job rejects them: {problem.what}"
            + (f"; expected {problem.expected}" if problem.expected else ""),
            problem.fix or f"see image-features {context.value('command')} --help",
        )


def path_not_on_s3(context: LintContext) -> Iterator[Finding]:
    """A path that is not on S3: pods cannot share it."""
    for option, path in _job_paths(context):
        if not S3_URI.fullmatch(path):
            yield error(
                "arguments",
                f"{option} {path}",
                "executors on other nodes must reach it, and the image only supports S3",
                f"write {option} s3a://bucket/folder",
            )


def invalid_bucket_name(context: LintContext) -> Iterator[Finding]:
    """A bucket name that is not a valid host name: s3a does not find the bucket."""
    named = [("arguments", f"{option} {path}", path) for option, path in _job_paths(context)]
    named += [(key, context.value(key), context.value(key)) for key in _FOLDERS]
    for key, text, path in named:
        match = S3_URI.fullmatch(path)
        if match and not _BUCKET.fullmatch(match[1]):
            why = "s3a uses it as a host name: 3 to 63 lower-case letters, digits and hyphens"
            yield error(key, text, why, "choose a bucket with a valid name")


def unsupported_s3_scheme(context: LintContext) -> Iterator[Finding]:
    """`s3://` or `s3n://` in a Spark setting: only the job's options accept them."""
    for setting, value in context.own_conf.items():
        if _OLD_SCHEME.search(value):
            why = "Spark has no client for s3:// outside EMR; the one client is s3a"
            yield error(conf_key(setting), value, why, "write s3a://")


def folder_inside_input(context: LintContext) -> Iterator[Finding]:
    """Event logs or fallback storage inside the input: they would be read as images."""
    images = dict(_job_paths(context)).get("--input", "")
    for key in _FOLDERS:
        folder = context.value(key)
        if _lists_all(context) and is_within(folder, images):
            why = f"it is within the input {images}: its files would be read as images"
            yield error(key, folder, why, "choose a folder outside the input")


def event_log_without_prefix(context: LintContext) -> Iterator[Finding]:
    """Event logs in the root of a bucket."""
    folder = context.value("eventLog.dir")
    if S3_URI.fullmatch(folder) and not parse_s3_uri(folder)[1]:
        why = "in the root of a bucket no policy or lifecycle rule can apply to the logs alone"
        yield warning("eventLog.dir", folder, why, f"write {folder.rstrip('/')}/event-logs")


def event_log_without_folder(context: LintContext) -> Iterator[Finding]:
    """Event logs are on, without a folder that outlives the pod."""
    enabled = context.own_conf.get(_EVENT_LOG, "false").lower() == "true"
    if enabled and "spark.eventLog.dir" not in context.conf:
        why = "the log is in /tmp of the driver's pod, and is lost with it"
        fix = "set eventLog.dir: s3a://bucket/event-logs instead"
        yield error(conf_key(_EVENT_LOG), True, why, fix)


def master_in_arguments(context: LintContext) -> Iterator[Finding]:
    """`--master` in the arguments: the run does not use the cluster."""
    if context.arguments.contains("--master"):
        why = "the operator sets the master; with another one no executor starts"
        yield error("arguments", list(context.arguments.words), why, "leave --master out")


def settings_in_arguments(context: LintContext) -> Iterator[Finding]:
    """`--conf` in the arguments: too late for settings of the pods."""
    if context.arguments.contains("--conf"):
        why = "the driver already runs when it is read: too late for memory, pods and jars"
        fix = "move it to sparkConf"
        yield warning("arguments", list(context.arguments.words), why, fix)


def run_id_in_arguments(context: LintContext) -> Iterator[Finding]:
    """`--run-id` in the arguments: the application already names the run."""
    if context.arguments.contains("--run-id"):
        why = "the application's name is the run id; with a fixed one the next run does nothing"
        arguments = list(context.arguments.words)
        yield error("arguments", arguments, why, "leave --run-id out; set runId if you need to")


def _job_paths(context: LintContext) -> list[tuple[str, str]]:
    options = context.arguments.options
    return [(flag, options[name]) for name, flag in LOCATIONS.items() if options.get(name)]


def _lists_all(context: LintContext) -> bool:
    return bool(context.arguments.options.get("glob", "**") == "**")
