"""All lint checks in order. To add a check, write a function and list it here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from job.checks import group_by_module
from job.deploy.lint import (
    allocation,
    cores,
    credentials,
    encryption,
    jars,
    memory,
    names,
    obsolete,
    overrides,
    parsing,
    paths,
    s3,
    schedule,
    schema,
    spelling,
    spot,
)
from job.deploy.lint.context import LintContext
from job.deploy.lint.finding import Finding

Check = Callable[[LintContext], Iterable[Finding]]

# Errors of the chart's templates, which helm reports before any check runs.
TEMPLATE_ERROR = "template-error"

CHECKS: tuple[Check, ...] = (
    spelling.misspelled_spark_setting,
    spelling.misspelled_s3a_setting,
    spelling.hadoop_setting_without_prefix,
    spelling.unknown_credentials_class,
    obsolete.obsolete_spark_setting,
    obsolete.obsolete_s3a_setting,
    obsolete.sdk_v1_credentials,
    obsolete.file_committer_algorithm,
    overrides.required_setting_overridden,
    overrides.setting_overridden_by_operator,
    overrides.setting_with_chart_value,
    overrides.metrics_without_ui,
    overrides.short_network_timeout,
    jars.jar_version_conflict,
    jars.sdk_bundle,
    jars.packages_blocked_by_network_policy,
    credentials.secret_in_settings,
    credentials.secret_in_arguments,
    credentials.secret_in_environment,
    credentials.irsa_without_role,
    credentials.invalid_role_arn,
    credentials.unused_role,
    credentials.unused_secret,
    s3.path_style_on_aws,
    s3.virtual_hosted_style_outside_aws,
    s3.plain_http_to_aws,
    s3.endpoint_region_mismatch,
    s3.invalid_region,
    s3.region_not_allowed,
    s3.zone_region_mismatch,
    s3.endpoint_blocked_by_network_policy,
    encryption.unused_kms_key,
    encryption.kms_key_region_mismatch,
    encryption.plain_http_with_encryption,
    encryption.broken_network_cipher,
    paths.invalid_argument,
    paths.path_not_on_s3,
    paths.invalid_bucket_name,
    paths.unsupported_s3_scheme,
    paths.folder_inside_input,
    paths.event_log_without_prefix,
    paths.event_log_without_folder,
    paths.master_in_arguments,
    paths.settings_in_arguments,
    paths.run_id_in_arguments,
    memory.heap_too_small,
    memory.overhead_too_small,
    memory.pod_larger_than_node,
    memory.python_memory_limit,
    memory.result_size_exceeds_heap,
    cores.cpu_request_above_limit,
    cores.cpu_request_above_cores,
    cores.more_cores_than_node,
    cores.task_cpus_above_cores,
    allocation.min_executors_above_max,
    allocation.initial_executors_out_of_range,
    allocation.executors_never_released,
    allocation.zero_idle_timeout,
    allocation.external_shuffle_service,
    allocation.shuffle_tracking_disabled,
    allocation.unused_executor_instances,
    spot.driver_on_spot,
    spot.low_failure_limit_on_spot,
    spot.long_failure_interval_on_spot,
    spot.low_task_attempts_on_spot,
    spot.no_decommission_on_spot,
    spot.partial_decommission,
    spot.short_grace_period,
    spot.grace_period_beyond_spot_notice,
    names.name_starts_with_digit,
    names.invalid_label,
    names.invalid_object_name,
    names.invalid_image_name,
    names.image_spark_mismatch,
    names.mutable_image_tag,
    schedule.invalid_schedule,
    schedule.invalid_time_zone,
    schedule.refeaturize_on_schedule,
)


def checks_by_family() -> dict[str, dict[str, str]]:
    """{module docstring: {check name: what it finds}}, in order, for the docs."""
    rendering = {
        "Values that cannot be rendered or parsed. The other checks skip them.": {
            schema.SCHEMA_VIOLATION: schema.SCHEMA_VIOLATION_DOC,
            parsing.NULL_VALUE: parsing.NULL_VALUE_DOC,
            parsing.UNPARSABLE_VALUE: parsing.UNPARSABLE_VALUE_DOC,
            TEMPLATE_ERROR: "Values that do not fit together, such as a name that is too long.",
        }
    }
    return rendering | group_by_module(CHECKS)
