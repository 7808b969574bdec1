"""The one table of keys: what a target names differently, owns or refuses, and why.

What the kubeflow operator refuses is not here: values.schema.json of the chart refuses it before
anything is rendered.
"""

from __future__ import annotations

from collections.abc import Mapping

# Fields of a SparkApplication's spec that are Spark settings everywhere else.
SETTING_OF = {
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
# Fields that each converter puts where its target wants them.
ELSEWHERE = (
    "type",
    "mode",
    "mainApplicationFile",
    "arguments",
    "sparkConf",
    "driver.template",
    "executor.template",
)

# From here on: names of fields, settings or objects, with `*`, and why they are left out.
Reasons = Mapping[str, str]

ONE_RUN: Reasons = {
    "schedule": "this target is one run; --target scheduled renders the schedule",
}

_OF_THE_IMAGE = "Spark and Python are those of the image"

SPARK_SUBMIT: Reasons = {
    "pythonVersion": _OF_THE_IMAGE,
    "sparkVersion": _OF_THE_IMAGE,
    "restartPolicy.*": "spark-submit submits once, and nobody runs it again",
    "timeToLiveSeconds": "nobody removes a driver that has ended; `kubectl delete pod` does",
}

_ACCOUNTS = "EMR makes the accounts of a job, and their rights, for its execution role"
_COMMITTER = "EMR has a committer of its own"
_BESIDE = "EMR is asked for a job run only; `render --target kubernetes` has it for kubectl"
_PODS = "EMR sets it: user 999, no privileges, a read-only root file system"

EMR: Reasons = {
    "pythonVersion": _OF_THE_IMAGE,
    "sparkVersion": _OF_THE_IMAGE,
    "driver.serviceAccount": _ACCOUNTS,
    "executor.serviceAccount": _ACCOUNTS,
    "restartPolicy.type": "on EMR it is the number of attempts that counts",
    "restartPolicy.onFailureRetryInterval": "EMR waits 10, 20, 40 s and so on up to 6 minutes",
    "restartPolicy.onSubmissionFailure*": "EMR submits once",
    "timeToLiveSeconds": "EMR removes what has ended by itself",
    "spark.sql.sources.commitProtocolClass": _COMMITTER,
    "spark.sql.parquet.output.committer.class": _COMMITTER,
    "spark.hadoop.fs.s3a.committer.*": _COMMITTER,
    "spark.hadoop.mapreduce.outputcommitter.*": _COMMITTER,
    "spark.kubernetes.decommission.script": "EMR's image has one of its own",
    # They are there for the narrow Role of the chart, which has no rights on such objects.
    "spark.kubernetes.executor.disableConfigMap": _ACCOUNTS,
    "spark.kubernetes.driver.service.deleteOnTermination": _ACCOUNTS,
    "spark.kubernetes.driver.ownPersistentVolumeClaim": _ACCOUNTS,
    "spark.kubernetes.driver.reusePersistentVolumeClaim": _ACCOUNTS,
    "template.spec.securityContext": _PODS,
    "template.spec.automountServiceAccountToken": _ACCOUNTS,
    "template.container.securityContext": _PODS,
    "template.volume.*": "EMR mounts volumes of its own on /tmp, /mnt and /home/hadoop",
    "ServiceAccount *": _ACCOUNTS,
    "Role *": _ACCOUNTS,
    "RoleBinding *": _ACCOUNTS,
    "*Policy *": _BESIDE,
    "PodDisruptionBudget *": _BESIDE,
    "PodMonitor *": _BESIDE,
}

# EMR fails a job whose pod templates have other fields than these.
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
