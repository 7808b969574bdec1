{{/* Spark's settings: the base list, then what the values ask for, then sparkConf. */}}
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
# On Kubernetes Spark makes the secret itself, one for each application.
spark.authenticate: "true"
spark.network.crypto.enabled: "true"
# The first version derives keys in a weaker way, and is there for older services only.
spark.network.crypto.authEngineVersion: "2"
# A peer without the secret would else be spoken with by the older, weak way.
spark.network.crypto.saslFallback: "false"
{{- end }}
{{- end }}
{{- end -}}

{{/* Without these the driver would need rights on configmaps, services and volume claims. */}}
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
{{- /* An executor goes when the second look, this much after the first, finds no block left. */}}
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
