{{/* The pod template of a role. Arguments: `root` (the root context), `role`, and `pod` (that role's values). */}}
{{- define "image-features.pod" -}}
{{- $pod := .pod -}}
metadata:
  labels:
    {{- include "image-features.selectorLabels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  {{- with $pod.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if eq .role "executor" }}
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ $pod.terminationGracePeriodSeconds }}
  {{- end }}
  {{- with $pod.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 185
    runAsGroup: 185
    fsGroup: 185
    seccompProfile:
      type: RuntimeDefault
  {{- with include "image-features.nodeSelector" . }}
  nodeSelector:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $pod.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "image-features.affinity" . }}
  affinity:
    {{- . | nindent 4 }}
  {{- end }}
  containers:
    - name: spark-kubernetes-{{ .role }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      terminationMessagePolicy: FallbackToLogsOnError
      {{- with include "image-features.env" . | trim }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        - name: work-dir
          mountPath: /opt/spark/work-dir
        - name: spark-local-dir-1
          mountPath: /var/data/spark
  volumes:
    - name: tmp
      emptyDir:
        {{- include "image-features.sizeLimit" .root.Values.scratch.tmpSizeLimit }}
    - name: work-dir
      emptyDir:
        {{- include "image-features.sizeLimit" .root.Values.scratch.tmpSizeLimit }}
    # Spark takes a volume of this name for its blocks.
    - name: spark-local-dir-1
      emptyDir:
        {{- include "image-features.sizeLimit" .root.Values.scratch.sizeLimit }}
{{- end -}}

{{- define "image-features.sizeLimit" -}}
{{- if . }}
        sizeLimit: {{ . }}
{{- else }} {}
{{- end }}
{{- end -}}

{{- define "image-features.nodeSelector" -}}
{{- $labels := deepCopy .pod.nodeSelector -}}
{{- with .root.Values.zone -}}
{{- $_ := set $labels "topology.kubernetes.io/zone" . -}}
{{- end -}}
{{- if $labels -}}{{ toYaml $labels }}{{- end -}}
{{- end -}}

{{- define "image-features.affinity" -}}
{{- if .pod.affinity -}}
{{ toYaml .pod.affinity }}
{{- else if and (eq .role "executor") .root.Values.sameZone -}}
podAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: topology.kubernetes.io/zone
        labelSelector:
          matchLabels:
            {{- include "image-features.selectorLabels" .root | nindent 12 }}
            app.kubernetes.io/component: driver
{{- end -}}
{{- end -}}

{{- define "image-features.env" -}}
{{- $s3 := .root.Values.s3 -}}
{{- if eq .role "driver" }}
# The application's own name: each run of a schedule has its id, and a retry keeps it.
- name: IMAGE_FEATURES_RUN_ID
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['sparkoperator.k8s.io/app-name']
# Where progress is published.
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- end }}
{{- with $s3.region }}
- name: AWS_REGION
  value: {{ . | quote }}
{{- end }}
{{- if eq $s3.credentials "secret" }}
{{- range $key := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" }}
- name: {{ $key }}
  valueFrom:
    secretKeyRef:
      name: {{ required "s3.secretName is empty; expected the name of a Secret, as s3.credentials is \"secret\"; fix: set s3.secretName" $s3.secretName }}
      key: {{ $key }}
      {{- if eq $key "AWS_SESSION_TOKEN" }}
      optional: true
      {{- end }}
{{- end }}
{{- end }}
{{- with .pod.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}
