"""Maps fields to Spark settings, and lists what each target omits and why.

Settings that the kubeflow operator rejects are not here: values.schema.json of the chart rejects
them before anything is rendered.
"""

from __future__ import annotations

from collections.abc import Mapping

# Fields of a SparkApplication's spec that are Spark settings in the other targets.
FIELD_TO_SETTING = {
    "image": "spark.kubernetes.container.image",
    "imagePullPolicy": "spark.kubernetes.container.image.pullPolicy",
    "imagePullSecrets": "spark.kubernetes.container.image.pullSecrets",
    "dynamicAllocation.enabled": "spark.dynamicAllocation.enabled",
    "dynamicAllocation.minExecutors": "spark.dynamicAllocation.minExecutors",
    "dynamicAllocation.initialExecutors": "spark.dynamicAllocation.initialExecutors",
    "dynamicAllocation.maxExecutors": "spark.dynamicAllocation.maxExecutors",
    "dynamicAllocation.shuffleTrackingEnabled": "spark.dynamicAllocation.shuffleTracking.enabled",
    # Milliseconds in both.
    "dynamicAllocation.shuffleTrackingTimeout": "spark.dynamicAllocation.shuffleTracking.timeout",
    "driver.serviceAccount": "spark.kubernetes.authenticate.driver.serviceAccountName",
    "driver.cores": "spark.driver.cores",
    "driver.coreRequest": "spark.kubernetes.driver.request.cores",
    "driver.coreLimit": "spark.kubernetes.driver.limit.cores",
    "driver.memory": "spark.driver.memory",
    "driver.memoryOverhead": "spark.driver.memoryOverhead",
    "executor.serviceAccount": "spark.kubernetes.authenticate.executor.serviceAccountName",
    "executor.instances": "spark.executor.instances",
    "executor.cores": "spark.executor.cores",
    "executor.coreRequest": "spark.kubernetes.executor.request.cores",
    "executor.coreLimit": "spark.kubernetes.executor.limit.cores",
    "executor.memory": "spark.executor.memory",
    "executor.memoryOverhead": "spark.executor.memoryOverhead",
    "executor.deleteOnTermination": "spark.kubernetes.executor.deleteOnTermination",
}
# Fields that each converter handles itself.
HANDLED_FIELDS = (
    "type",
    "mode",
    "mainApplicationFile",
    "arguments",
    "sparkConf",
    "driver.template",
    "executor.template",
)

# Patterns of fields, settings or objects with `*`, and why they are omitted.
OmissionReasons = Mapping[str, str]

SINGLE_RUN: OmissionReasons = {
    "schedule": "this target is a single run; use --target scheduled for the schedule",
}

_FROM_IMAGE = "the image determines Spark and Python"

SPARK_SUBMIT: OmissionReasons = {
    "pythonVersion": _FROM_IMAGE,
    "sparkVersion": _FROM_IMAGE,
    "restartPolicy.*": "spark-submit submits once and does not retry",
    "timeToLiveSeconds": "nothing removes a finished driver; use `kubectl delete pod`",
}

_ACCOUNTS = "EMR creates service accounts and permissions for the execution role"
_COMMITTER = "EMR has its own committer"
_NOT_ON_EMR = "not part of a job run; `render --target kubernetes` renders it for kubectl"
_SECURITY_CONTEXT = "EMR sets it: user 999, no privileges, a read-only root file system"

EMR: OmissionReasons = {
    "pythonVersion": _FROM_IMAGE,
    "sparkVersion": _FROM_IMAGE,
    "driver.serviceAccount": _ACCOUNTS,
    "executor.serviceAccount": _ACCOUNTS,
    "restartPolicy.type": "EMR only has a number of attempts",
    "restartPolicy.onFailureRetryInterval": "EMR waits 10, 20, 40 s and so on, up to 6 minutes",
    "restartPolicy.onSubmissionFailure*": "EMR submits once",
    "timeToLiveSeconds": "EMR removes finished jobs itself",
    "spark.sql.sources.commitProtocolClass": _COMMITTER,
    "spark.sql.parquet.output.committer.class": _COMMITTER,
    "spark.hadoop.fs.s3a.committer.*": _COMMITTER,
    "spark.hadoop.mapreduce.outputcommitter.*": _COMMITTER,
    "spark.kubernetes.decommission.script": "EMR's image has its own script",
    # Needed for the narrow Role of the chart, which has no permissions for such objects.
    "spark.kubernetes.executor.disableConfigMap": _ACCOUNTS,
    "spark.kubernetes.driver.service.deleteOnTermination": _ACCOUNTS,
    "spark.kubernetes.driver.ownPersistentVolumeClaim": _ACCOUNTS,
    "spark.kubernetes.driver.reusePersistentVolumeClaim": _ACCOUNTS,
    "template.spec.securityContext": _SECURITY_CONTEXT,
    "template.spec.automountServiceAccountToken": _ACCOUNTS,
    "template.container.securityContext": _SECURITY_CONTEXT,
    "template.volume.*": "EMR mounts its own volumes on /tmp, /mnt and /home/hadoop",
    "ServiceAccount *": _ACCOUNTS,
    "Role *": _ACCOUNTS,
    "RoleBinding *": _ACCOUNTS,
    "*Policy *": _NOT_ON_EMR,
    "PodDisruptionBudget *": _NOT_ON_EMR,
    "PodMonitor *": _NOT_ON_EMR,
}

# EMR fails a job whose pod templates have any other field.
EMR_POD_FIELDS = (
    "activeDeadlineSeconds",
    "affinity",
    "containers",
    "enableServiceLinks",
    "hostAliases",
    "imagePullSecrets",
    "initContainers",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "runtimeClassName",
    "schedulerName",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
)
EMR_CONTAINER_FIELDS = (
    "env",
    "envFrom",
    "lifecycle",
    "livenessProbe",
    "name",
    "readinessProbe",
    "resources",
    "startupProbe",
    "terminationMessagePolicy",
    "volumeDevices",
    "volumeMounts",
)
# Delta is in EMR's image, but not on its class path.
EMR_JARS = (
    "local:///usr/share/aws/delta/lib/delta-spark.jar",
    "local:///usr/share/aws/delta/lib/delta-storage.jar",
)
