{{/* Spark settings: the base list, then settings from the values, then sparkConf. Later ones win. */}}
{{- define "image-features.sparkConf" -}}
{{- $conf := .Files.Get "files/spark-base.yaml" | fromYaml -}}
{{- range $group := list "s3" "encryption" "rights" "allocation" "failures" "decommission" "metrics" "eventLog" -}}
{{- $conf = mustMergeOverwrite $conf (include (printf "image-features.sparkConf.%s" $group) $ | fromYaml) -}}
{{- end -}}
{{- $conf = mustMergeOverwrite $conf (deepCopy .Values.sparkConf) -}}
{{- range $key, $value := $conf }}
{{ $key }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "image-features.sparkConf.s3" -}}
{{- with .Values.s3 }}
{{- if .endpoint }}
spark.hadoop.fs.s3a.endpoint: {{ .endpoint | quote }}
spark.hadoop.fs.s3a.connection.ssl.enabled: {{ hasPrefix "https://" .endpoint | quote }}
{{- end }}
{{- if .region }}
spark.hadoop.fs.s3a.endpoint.region: {{ .region | quote }}
{{- end }}
spark.hadoop.fs.s3a.path.style.access: {{ .pathStyle | quote }}
spark.hadoop.fs.s3a.aws.credentials.provider: software.amazon.awssdk.auth.credentials.
{{- if eq .credentials "irsa" }}WebIdentityTokenFileCredentialsProvider
{{- else if eq .credentials "podIdentity" }}ContainerCredentialsProvider
{{- else }}EnvironmentVariableCredentialsProvider
{{- end }}
{{- end }}
{{- end -}}

{{- define "image-features.sparkConf.encryption" -}}
{{- with .Values.encryption }}
{{- if .atRest }}
spark.hadoop.fs.s3a.encryption.algorithm: {{ ternary "AES256" .atRest (eq .atRest "SSE-S3") }}
{{- end }}
{{- if and .kmsKeyArn (eq .atRest "SSE-KMS") }}
spark.hadoop.fs.s3a.encryption.key: {{ .kmsKeyArn | quote }}
{{- end }}
{{- if .inTransit }}
# On Kubernetes, Spark generates a secret for each application.
spark.authenticate: "true"
spark.network.crypto.enabled: "true"
# Version 1 derives weaker keys and exists only for older services.
spark.network.crypto.authEngineVersion: "2"
# Otherwise a peer without the secret gets the older, weaker protocol.
spark.network.crypto.saslFallback: "false"
{{- end }}
{{- end }}
{{- end -}}

{{/* Without these settings the driver needs permissions on ConfigMaps, Services and PersistentVolumeClaims. */}}
{{- define "image-features.sparkConf.rights" -}}
spark.kubernetes.executor.disableConfigMap: "true"
spark.kubernetes.driver.service.deleteOnTermination: "false"
spark.kubernetes.driver.ownPersistentVolumeClaim: "false"
spark.kubernetes.driver.reusePersistentVolumeClaim: "false"
{{- end -}}

{{- define "image-features.sparkConf.allocation" -}}
{{- with .Values.dynamicAllocation }}
{{- if .enabled }}
spark.dynamicAllocation.executorIdleTimeout: {{ .executorIdleTimeout | quote }}
spark.dynamicAllocation.cachedExecutorIdleTimeout: {{ .cachedExecutorIdleTimeout | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "image-features.sparkConf.failures" -}}
spark.executor.maxNumFailures: {{ .Values.failures.maxExecutors | int | quote }}
spark.executor.failuresValidityInterval: {{ .Values.failures.executorsInterval | quote }}
spark.task.maxFailures: {{ .Values.failures.maxTaskAttempts | int | quote }}
{{- end -}}

{{- define "image-features.sparkConf.decommission" -}}
{{- if .Values.decommission.enabled }}
spark.decommission.enabled: "true"
spark.storage.decommission.enabled: "true"
spark.storage.decommission.shuffleBlocks.enabled: "true"
spark.storage.decommission.rddBlocks.enabled: "true"
{{- /* An executor exits when the second check, this long after the first, finds no blocks left. */}}
spark.storage.decommission.replicationReattemptInterval: 5s
spark.kubernetes.decommission.script: /opt/decom.sh
{{- with .Values.decommission.fallbackStoragePath }}
spark.storage.decommission.fallbackStorage.path: {{ . | trimSuffix "/" }}/
spark.storage.decommission.fallbackStorage.cleanUp: "true"
{{- end }}
{{- end }}
{{- end -}}

{{- define "image-features.sparkConf.metrics" -}}
{{- if .Values.metrics.enabled }}
spark.ui.prometheus.enabled: "true"
spark.metrics.conf.driver.sink.prometheusServlet.class: org.apache.spark.metrics.sink.PrometheusServlet
spark.metrics.conf.driver.sink.prometheusServlet.path: /metrics/prometheus
spark.metrics.namespace: image_features
{{- end }}
{{- end -}}

{{- define "image-features.sparkConf.eventLog" -}}
{{- with .Values.eventLog.dir }}
spark.eventLog.enabled: "true"
spark.eventLog.dir: {{ . | quote }}
{{- end }}
{{- end -}}
