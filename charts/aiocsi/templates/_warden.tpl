{{/* Whether the warden has a Deployment and a service account of its own: "true", or empty. It has where it may change
Nodes or pods: the sidecars of the controller's pod have no use for those rights. */}}
{{- define "aiocsi.wardenAlone" -}}
{{- if or (include "aiocsi.wardenPatchesNodes" .) (include "aiocsi.wardenPatchesPods" .) -}}true{{- end -}}
{{- end }}

{{- define "aiocsi.wardenPatchesNodes" -}}
{{- if and .Values.warden.enabled (or .Values.warden.startTaint (eq (include "aiocsi.failoverMode" .) "taint")) -}}true{{- end -}}
{{- end }}

{{/* Whether it writes on the pods of the node service: "true", or empty. */}}
{{- define "aiocsi.wardenPatchesPods" -}}
{{- if and .Values.warden.enabled (or .Values.warden.maxVolumes (include "aiocsi.drainWait" .)) -}}true{{- end -}}
{{- end }}

{{/* Whether the node service waits in a drain, on any node: "true", or empty. */}}
{{- define "aiocsi.drainWait" -}}
{{- $longest := .Values.node.enabled | ternary (int .Values.node.drainWaitSeconds) 0 -}}
{{- range .Values.additionalNodeSets -}}
{{- $longest = max $longest (int (dig "drainWaitSeconds" $.Values.node.drainWaitSeconds .)) -}}
{{- end -}}
{{- if gt (int $longest) 0 -}}true{{- end -}}
{{- end }}

{{/* off, report or taint; a bare off is false in YAML. */}}
{{- define "aiocsi.failoverMode" -}}
{{- eq (toString .Values.warden.failover.mode) "false" | ternary "off" .Values.warden.failover.mode -}}
{{- end }}

{{/* Whether the warden writes the health of claims to their status: "true", or empty. */}}
{{- define "aiocsi.healthConditions" -}}
{{- with .Values.warden.health -}}
{{- if and .intervalSeconds .conditions (semverCompare ">=1.37.0-0" $.Capabilities.KubeVersion.Version) -}}true{{- end -}}
{{- end -}}
{{- end }}

{{/* The name of the warden's lease. */}}
{{- define "aiocsi.wardenLease" -}}
aiocsi-warden-{{ .Values.driver.name }}
{{- end }}

{{/* The warden: its container, beside a controller. */}}
{{- define "aiocsi.wardenContainer" -}}
{{- $port := add .Values.controller.httpPort 5 -}}
- name: warden
  image: {{ include "aiocsi.image" . | quote }}
  {{- include "aiocsi.container" . | nindent 2 }}
  command: [aiocsi-warden]
  env:
    {{- include "aiocsi.env" (dict "chart" (include "aiocsi.wardenEnv" .) "extra" .Values.warden.extraEnv) | nindent 4 }}
  ports:
    - {name: warden, containerPort: {{ $port }}}
  livenessProbe:
    httpGet: {path: /healthz, port: warden}
    initialDelaySeconds: 10
    periodSeconds: 20
    timeoutSeconds: 5
    failureThreshold: 3
  resources:
    {{- toYaml .Values.warden.resources | nindent 4 }}
  securityContext:
    {{- include "aiocsi.restricted" . | nindent 4 }}
  volumeMounts:
    - {name: socket, mountPath: /csi}
    - {name: kubernetes-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}

{{/* What the warden is told. */}}
{{- define "aiocsi.wardenEnv" -}}
- name: AIOCSI_ENDPOINT
  value: unix:///csi/csi.sock
- name: AIOCSI_HTTP_ADDR
  value: {{ printf ":%d" (int (add .Values.controller.httpPort 5)) | quote }}
- name: AIOCSI_DRIVER_NAME
  value: {{ .Values.driver.name | quote }}
- name: AIOCSI_LOG_FORMAT
  value: {{ .Values.driver.logFormat }}
- name: AIOCSI_LOG_LEVEL
  value: {{ .Values.driver.logLevel }}
- name: AIOCSI_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: AIOCSI_IDENTITY
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: AIOCSI_FAILOVER_MODE
  value: {{ include "aiocsi.failoverMode" . | quote }}
- name: AIOCSI_FAILOVER_AFTER_SECONDS
  value: {{ .Values.warden.failover.afterSeconds | quote }}
- name: AIOCSI_FAILOVER_MAX_NODES
  value: {{ .Values.warden.failover.maxNodes | quote }}
- name: AIOCSI_START_TAINT
  value: {{ .Values.warden.startTaint | quote }}
- name: AIOCSI_HEALTH_SECONDS
  value: {{ .Values.warden.health.intervalSeconds | quote }}
- name: AIOCSI_HEALTH_CONDITIONS
  value: {{ include "aiocsi.healthConditions" . | default "false" | quote }}
- name: AIOCSI_DRIFT_SECONDS
  value: {{ .Values.warden.drift.intervalSeconds | quote }}
- name: AIOCSI_DRIFT_UNUSED_DAYS
  value: {{ .Values.warden.drift.unusedDays | quote }}
{{- with .Values.cloud.tags }}
- name: AIOCSI_TAG
  value: {{ join "," . | quote }}
{{- end }}
- name: AIOCSI_DRAIN_WAIT
  value: {{ include "aiocsi.drainWait" . | default "false" | quote }}
- name: AIOCSI_MAX_VOLUMES
  value: {{ .Values.warden.maxVolumes | quote }}
{{- end }}
