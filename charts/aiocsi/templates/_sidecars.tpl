{{/* One sidecar of the controller: its container. Takes root, name, values, port, args, and env and gates if any. */}}
{{- define "aiocsi.sidecar" -}}
{{- $lease := .root.Values.controller.leases -}}
- name: {{ .name }}
  image: {{ include "aiocsi.pulled" (dict "root" .root "image" .values.image) | quote }}
  {{- include "aiocsi.container" .root | nindent 2 }}
  args:
    - --csi-address=/csi/csi.sock
    - --v={{ .root.Values.sidecars.logLevel }}
    - --http-endpoint=:{{ .port }}
    - --kube-api-qps={{ .root.Values.controller.kubeApi.qps }}
    - --kube-api-burst={{ .root.Values.controller.kubeApi.burst }}
    - --retry-interval-max={{ .root.Values.sidecars.retryMaxSeconds }}s
    - --leader-election
    - --leader-election-lease-duration={{ $lease.durationSeconds }}s
    - --leader-election-renew-deadline={{ $lease.renewSeconds }}s
    - --leader-election-retry-period={{ $lease.retrySeconds }}s
    - --feature-gates={{ prepend .gates (printf "ReleaseLeaderElectionOnExit=%v" $lease.releaseOnExit) | join "," }}
    {{- range concat .args (default list .values.extraArgs) }}
    - {{ . | quote }}
    {{- end }}
  {{- with .env }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - {name: {{ .name | trimPrefix "csi-" }}, containerPort: {{ .port }}}
  livenessProbe:
    httpGet: {path: /healthz/leader-election, port: {{ .name | trimPrefix "csi-" }}}
    initialDelaySeconds: 10
    periodSeconds: 20
    timeoutSeconds: 5
    failureThreshold: 3
  resources:
    {{- default .root.Values.sidecars.resources .values.resources | toYaml | nindent 4 }}
  securityContext:
    {{- include "aiocsi.restricted" . | nindent 4 }}
  volumeMounts:
    - {name: socket, mountPath: /csi}
    - {name: kubernetes-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}
