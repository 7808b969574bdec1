"""All checks, by family; to add one is to write a function and to name it here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from job.checks import by_family
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
from job.deploy.lint.context import Subject
from job.deploy.lint.finding import Finding

Check = Callable[[Subject], Iterable[Finding]]

# What helm says by itself, before any check: of the schema, and of the templates.
REFUSED_BY_CHART = "refused-by-chart"

CHECKS: tuple[Check, ...] = (
    spelling.misspelt_spark_setting,
    spelling.misspelt_s3a_setting,
    spelling.hadoop_setting_without_prefix,
    spelling.unknown_credentials_class,
    obsolete.obsolete_spark_setting,
    obsolete.obsolete_s3a_setting,
    obsolete.sdk_v1_credentials,
    obsolete.file_committer_algorithm,
    overrides.undone_setting,
    overrides.setting_of_the_operator,
    overrides.setting_with_a_value_of_its_own,
    overrides.metrics_without_web_port,
    overrides.short_network_timeout,
    jars.jar_of_another_version,
    jars.sdk_bundle,
    jars.packages_without_a_way,
    credentials.secret_in_settings,
    credentials.secret_in_arguments,
    credentials.secret_in_environment,
    credentials.irsa_without_role,
    credentials.role_that_is_none,
    credentials.role_that_is_not_used,
    credentials.secret_that_is_not_used,
    s3.path_style_on_aws,
    s3.host_style_elsewhere,
    s3.plain_http_to_aws,
    s3.endpoint_of_another_region,
    s3.region_that_is_none,
    s3.region_that_is_not_allowed,
    s3.zone_of_another_region,
    s3.endpoint_without_a_way,
    encryption.key_that_is_not_used,
    encryption.key_of_another_region,
    encryption.plain_http_beside_encryption,
    encryption.cipher_that_loses_messages,
    paths.wrong_argument,
    paths.path_not_on_s3,
    paths.bucket_without_a_host,
    paths.old_scheme,
    paths.output_over_input,
    paths.folder_in_the_input,
    paths.event_log_without_prefix,
    paths.event_log_without_folder,
    paths.master_in_arguments,
    paths.settings_in_arguments,
    paths.run_id_in_arguments,
    memory.heap_too_small,
    memory.overhead_too_small,
    memory.pod_larger_than_node,
    memory.limited_python,
    memory.results_larger_than_heap,
    cores.request_above_limit,
    cores.request_above_cores,
    cores.more_cores_than_node,
    cores.cores_below_task,
    allocation.least_above_most,
    allocation.first_outside,
    allocation.endless_executors,
    allocation.idle_time_of_nothing,
    allocation.shuffle_service,
    allocation.untracked_shuffle,
    allocation.number_that_is_not_used,
    spot.driver_on_spot,
    spot.few_losses_on_spot,
    spot.losses_that_add_up,
    spot.few_attempts_on_spot,
    spot.no_decommission_on_spot,
    spot.half_a_decommission,
    spot.short_grace,
    spot.grace_beyond_notice,
    names.name_that_begins_with_a_digit,
    names.label_that_is_none,
    names.object_name_that_is_none,
    names.image_that_is_none,
    names.image_of_another_spark,
    names.moving_tag,
    schedule.schedule_that_is_none,
    schedule.time_zone_that_is_none,
    schedule.all_anew_each_time,
)


def families() -> dict[str, dict[str, str]]:
    """What can be found: by what a family says of itself, checks and what each finds, in order."""
    before = {
        "What cannot be rendered or read: the rest is checked without it.": {
            schema.CHECK: schema.WHAT,
            parsing.NULLED: parsing.NULLED_WHAT,
            parsing.UNREADABLE: parsing.UNREADABLE_WHAT,
            REFUSED_BY_CHART: "Values that do not go together, such as a name that gets too long.",
        }
    }
    return before | by_family(CHECKS)
