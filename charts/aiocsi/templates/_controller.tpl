{{/* What the controller is told. Takes root and port. */}}
{{- define "aiocsi.controllerEnv" -}}
{{- $values := .root.Values -}}
- name: AIOCSI_ENDPOINT
  value: unix:///csi/csi.sock
- name: AIOCSI_HTTP_ADDR
  value: {{ printf ":%d" (int .port) | quote }}
{{- with $values.cloud.apiUrl }}
- name: AIOCSI_API_URL
  value: {{ . | quote }}
{{- end }}
- name: AIOCSI_POD_UID
  valueFrom: {fieldRef: {fieldPath: metadata.uid}}
- name: AIOCSI_TOKEN_FILE
  value: {{ printf "/etc/aiocsi/token/%s" $values.cloud.token.key | quote }}
- name: AIOCSI_REQUESTS_PER_MINUTE
  value: {{ $values.cloud.requestsPerMinute | quote }}
- name: AIOCSI_VALIDATE_ATTACHMENT
  value: {{ $values.cloud.validateAttachment | quote }}
{{ include "aiocsi.commonEnv" .root }}
{{- with $values.cloud.tags }}
- name: AIOCSI_TAG
  value: {{ join "," . | quote }}
{{- end }}
{{- with $values.cloud.proxy.https }}
- name: HTTPS_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with $values.cloud.proxy.http }}
- name: HTTP_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with $values.cloud.proxy.exclude }}
- name: NO_PROXY
  value: {{ . | quote }}
{{- end }}
{{- if $values.cloud.caBundle.configMap }}
- name: AIOCSI_CA_FILE
  value: {{ printf "/etc/aiocsi/ca/%s" $values.cloud.caBundle.key | quote }}
{{- end }}
{{- end }}

{{/* The controller: its container. Takes root and port. */}}
{{- define "aiocsi.controllerContainer" -}}
{{- $values := .root.Values -}}
- name: controller
  image: {{ include "aiocsi.image" .root | quote }}
  {{- include "aiocsi.container" .root | nindent 2 }}
  command: [aiocsi-controller]
  env:
    {{- include "aiocsi.env" (dict "chart" (include "aiocsi.controllerEnv" .) "extra" $values.controller.extraEnv) | nindent 4 }}
  ports:
    - {name: http, containerPort: {{ .port }}}
  livenessProbe:
    httpGet: {path: /healthz, port: http}
    initialDelaySeconds: 5
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  readinessProbe:
    httpGet: {path: /readyz, port: http}
    periodSeconds: 5
    timeoutSeconds: 5
  resources:
    {{- toYaml $values.controller.resources | nindent 4 }}
  securityContext:
    {{- include "aiocsi.restricted" . | nindent 4 }}
  volumeMounts:
    - {name: socket, mountPath: /csi}
    - {name: token, mountPath: /etc/aiocsi/token, readOnly: true}
    {{- if $values.cloud.caBundle.configMap }}
    - {name: ca, mountPath: /etc/aiocsi/ca, readOnly: true}
    {{- end }}
    {{- with $values.controller.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* The volumes of a pod with a controller. */}}
{{- define "aiocsi.controllerVolumes" -}}
- name: socket
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
- name: token
  secret:
    secretName: {{ include "aiocsi.tokenSecret" . | quote }}
    defaultMode: 0440
{{- with .Values.cloud.caBundle.configMap }}
- name: ca
  configMap: {name: {{ . | quote }}}
{{- end }}
- name: kubernetes-token  # of the service account, for the sidecars and the warden alone
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3607}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- with .Values.controller.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
