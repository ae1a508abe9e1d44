{{/* What the controller is told. */}}
{{- define "aiocsi.controllerEnv" -}}
- name: AIOCSI_ENDPOINT
  value: unix:///csi/csi.sock
- name: AIOCSI_HTTP_ADDR
  value: {{ printf ":%d" (int .Values.controller.httpPort) | quote }}
- name: AIOCSI_API_URL
  value: {{ .Values.cloud.apiUrl | quote }}
- name: AIOCSI_TOKEN_FILE
  value: {{ printf "/etc/aiocsi/token/%s" .Values.cloud.token.key | quote }}
- name: AIOCSI_REQUESTS_PER_MINUTE
  value: {{ .Values.cloud.requestsPerMinute | quote }}
- name: AIOCSI_VALIDATE_ATTACHMENT
  value: {{ .Values.cloud.validateAttachment | quote }}
{{ include "aiocsi.commonEnv" . }}
{{- with .Values.cloud.tags }}
- name: AIOCSI_TAG
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.cloud.proxy.https }}
- name: HTTPS_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.cloud.proxy.http }}
- name: HTTP_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.cloud.proxy.exclude }}
- name: NO_PROXY
  value: {{ . | quote }}
{{- end }}
{{- if .Values.cloud.caBundle.configMap }}
- name: AIOCSI_CA_FILE
  value: {{ printf "/etc/aiocsi/ca/%s" .Values.cloud.caBundle.key | quote }}
{{- end }}
{{- end }}
