{{/* Names and labels. */}}

{{- define "image-features.applicationName" -}}
{{- $name := printf "%s-%s" .Release.Name (.Values.runId | default (printf "r%d" .Release.Revision)) -}}
{{- if gt (len $name) 40 -}}
{{- fail (printf "the run would be named %q, which is %d characters; expected at most 40; fix: shorten runId or the release's name" $name (len $name)) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* The operator appends a hyphen and 19 digits. */}}
{{- define "image-features.scheduleName" -}}
{{- if gt (len .Release.Name) 20 -}}
{{- fail (printf "the release is named %q, which is %d characters; expected at most 20 with a schedule; fix: shorten the release's name" .Release.Name (len .Release.Name)) -}}
{{- end -}}
{{- .Release.Name -}}
{{- end -}}

{{- define "image-features.driverAccount" -}}
{{- .Values.serviceAccounts.driver.name | default (printf "%s-driver" .Release.Name) -}}
{{- end -}}

{{- define "image-features.executorAccount" -}}
{{- .Values.serviceAccounts.executor.name | default (printf "%s-executor" .Release.Name) -}}
{{- end -}}

{{- define "image-features.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "image-features.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "image-features.labels" -}}
{{ include "image-features.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Memory as Spark writes it (2g, 1500m), in mebibytes. */}}
{{- define "image-features.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- get (dict "k" (div $number 1024) "m" $number "g" (mul $number 1024) "t" (mul $number 1048576)) (regexFind "[kmgt]$" .) -}}
{{- end -}}
