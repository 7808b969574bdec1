{{/* The spec of a SparkApplication, alone or as the template of a schedule. */}}
{{- define "image-features.applicationSpec" -}}
type: Python
mode: cluster
pythonVersion: "3"
sparkVersion: 4.1.2
image: {{ include "image-features.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
mainApplicationFile: local:///opt/image-features/main.py
arguments:
  - {{ .Values.command | quote }}
  {{- range .Values.arguments }}
  - {{ . | quote }}
  {{- end }}
  {{- with .Values.allowedRegions }}
  - "--allowed-regions={{ join "," . }}"
  {{- end }}
timeToLiveSeconds: {{ .Values.timeToLiveSeconds | int64 }}
restartPolicy:
  type: OnFailure
  onFailureRetries: {{ .Values.retries.onFailure }}
  onFailureRetryInterval: {{ .Values.retries.intervalSeconds }}
  onSubmissionFailureRetries: {{ .Values.retries.onSubmissionFailure }}
  onSubmissionFailureRetryInterval: {{ .Values.retries.intervalSeconds }}
sparkConf:
  {{- include "image-features.sparkConf" . | trim | nindent 2 }}
{{- with .Values.dynamicAllocation }}
{{- if .enabled }}
dynamicAllocation:
  enabled: true
  minExecutors: {{ .minExecutors }}
  initialExecutors: {{ .initialExecutors }}
  maxExecutors: {{ .maxExecutors }}
  shuffleTrackingEnabled: true
  # In milliseconds.
  shuffleTrackingTimeout: {{ mul .shuffleTrackingTimeoutSeconds 1000 }}
{{- end }}
{{- end }}
driver:
  serviceAccount: {{ include "image-features.driverAccount" . }}
  {{- include "image-features.resources" .Values.driver | nindent 2 }}
  template:
    {{- include "image-features.pod" (dict "root" . "role" "driver" "pod" .Values.driver) | nindent 4 }}
executor:
  serviceAccount: {{ include "image-features.executorAccount" . }}
  {{- if not .Values.dynamicAllocation.enabled }}
  instances: {{ .Values.executor.instances }}
  {{- end }}
  deleteOnTermination: {{ .Values.executor.deleteOnTermination }}
  {{- include "image-features.resources" .Values.executor | nindent 2 }}
  template:
    {{- include "image-features.pod" (dict "root" . "role" "executor" "pod" .Values.executor) | nindent 4 }}
{{- end -}}

{{- define "image-features.resources" -}}
cores: {{ .cores }}
{{- with .coreRequest }}
coreRequest: {{ . | quote }}
{{- end }}
{{- with .coreLimit }}
coreLimit: {{ . | quote }}
{{- end }}
memory: {{ .memory }}
memoryOverhead: {{ .memoryOverhead }}
{{- end -}}
