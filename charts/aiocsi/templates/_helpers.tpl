{{/* Names and labels. */}}
{{- define "aiocsi.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "aiocsi.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "aiocsi.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "aiocsi.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "aiocsi.selector" -}}
app.kubernetes.io/name: {{ include "aiocsi.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "aiocsi.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "aiocsi.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A pod's labels name no version: an upgrade that changes nothing else must not restart the pods. */}}
{{- define "aiocsi.podLabels" -}}
{{ include "aiocsi.selector" . }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "aiocsi.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "aiocsi.tokenSecret" -}}
{{- if .Values.cloud.token.value -}}
{{ include "aiocsi.fullname" . }}-token
{{- else -}}
{{ .Values.cloud.token.existingSecret }}
{{- end -}}
{{- end }}

{{/* What both services of the driver are told. */}}
{{- define "aiocsi.commonEnv" -}}
- name: AIOCSI_DRIVER_NAME
  value: {{ .Values.driver.name }}
- name: AIOCSI_LOG_FORMAT
  value: {{ .Values.driver.logFormat }}
- name: AIOCSI_LOG_LEVEL
  value: {{ .Values.driver.logLevel }}
- name: AIOCSI_DRAIN_SECONDS
  value: {{ .Values.driver.drainSeconds | quote }}
{{- with .Values.cloud.region }}
- name: AIOCSI_REGION
  value: {{ . }}
{{- end }}
{{- with .Values.cloud.metadataUrl }}
- name: AIOCSI_METADATA_URL
  value: {{ . }}
{{- end }}
{{- end }}

{{/* Everything that a container can do without. */}}
{{- define "aiocsi.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
