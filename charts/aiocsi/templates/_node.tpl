{{/* One DaemonSet of the node service. Takes root, node (its values) and set (its name; empty for the first). */}}
{{- define "aiocsi.node" -}}
{{- $values := .root.Values -}}
{{- $about := dict "root" .root "component" (empty .set | ternary "node" (printf "node-%s" .set)) -}}
{{- $service := printf "%s-node" (include "aiocsi.fullname" .root) -}}
{{- $plugin := printf "%s/plugins/%s" $values.kubeletPath $values.driver.name -}}
{{- $local := and .node.hostNetwork (not $values.metrics.enabled) -}}
{{- $told := include "aiocsi.nodeTold" . -}}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ empty .set | ternary $service (printf "%s-%s" $service .set) }}
  namespace: {{ .root.Release.Namespace | quote }}
  labels:
    {{- include "aiocsi.labels" $about | nindent 4 }}
spec:
  minReadySeconds: 10
  revisionHistoryLimit: 3
  updateStrategy:
    type: {{ .node.updateStrategy }}
    {{- if eq .node.updateStrategy "RollingUpdate" }}
    rollingUpdate:
      maxUnavailable: {{ .node.maxUnavailable }}
    {{- end }}
  selector:
    matchLabels:
      {{- include "aiocsi.selector" $about | nindent 6 }}
  template:
    metadata:
      annotations:
        {{- merge (dict) (default dict .node.podAnnotations) (dict "kubectl.kubernetes.io/default-container" "node") | toYaml | nindent 8 }}
      labels:
        {{- include "aiocsi.podLabels" (set (deepCopy $about) "more" .node.podLabels) | nindent 8 }}
    spec:
      serviceAccountName: {{ $service }}
      hostPID: {{ .node.hostPID }}
      {{- include "aiocsi.pod" (dict "root" .root "service" .node "holdSeconds" .node.drainWaitSeconds) | nindent 6 }}
      securityContext:
        runAsUser: 0
        runAsGroup: 0
        seccompProfile: {type: RuntimeDefault}
      {{- with .node.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .node.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .node.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if .node.removeAutomountRule }}
      initContainers:
        - name: remove-automount-rule
          image: {{ include "aiocsi.image" .root | quote }}
          {{- include "aiocsi.container" .root | nindent 10 }}
          command: [rm, --force, --verbose, /host/udev/99-digitalocean-automount.rules]
          resources:
            {{- toYaml .node.resources | nindent 12 }}
          securityContext:
            {{- include "aiocsi.restricted" . | nindent 12 }}
            seLinuxOptions: {type: spc_t}  # else SELinux denies that the host's rule is removed
          volumeMounts:
            - {name: udev-rules, mountPath: /host/udev}
      {{- end }}
      containers:
        - name: node
          image: {{ include "aiocsi.image" .root | quote }}
          {{- include "aiocsi.container" .root | nindent 10 }}
          command: [aiocsi-node]
          env:
            {{- include "aiocsi.env" (dict "chart" (include "aiocsi.nodeEnv" .) "extra" .node.extraEnv) | nindent 12 }}
          ports:
            - {name: http, containerPort: {{ .node.httpPort }}}
          livenessProbe:
            {{- if .node.livenessProbe.enabled }}
            httpGet: {path: /healthz, port: {{ add .node.httpPort 1 }}{{ if .node.hostNetwork }}, host: 127.0.0.1{{ end }}}
            {{- else }}
            httpGet: {path: /healthz, port: http{{ if $local }}, host: 127.0.0.1{{ end }}}
            {{- end }}
            initialDelaySeconds: 5
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: {path: /readyz, port: http{{ if $local }}, host: 127.0.0.1{{ end }}}
            periodSeconds: 5
            timeoutSeconds: 5
          resources:
            {{- toYaml .node.resources | nindent 12 }}
          securityContext:
            privileged: true  # mounts that other containers see, and block devices
            readOnlyRootFilesystem: true
          volumeMounts:
            - {name: kubelet, mountPath: {{ $values.kubeletPath | quote }}, mountPropagation: Bidirectional}
            - {name: devices, mountPath: /dev}
            - {name: scratch, mountPath: /tmp}
            {{- if $told }}
            - {name: told, mountPath: /etc/aiocsi/told, readOnly: true}
            {{- end }}
            {{- with .node.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
        {{- with .node.registrar }}
        {{- if .enabled }}
        - name: registrar
          image: {{ include "aiocsi.pulled" (dict "root" $.root "image" .image) | quote }}
          {{- include "aiocsi.container" $.root | nindent 10 }}
          args:
            - --csi-address=/csi/csi.sock
            - --kubelet-registration-path={{ $plugin }}/csi.sock
          resources:
            {{- default $values.sidecars.resources .resources | toYaml | nindent 12 }}
          securityContext:
            {{- include "aiocsi.restricted" $ | nindent 12 }}
          volumeMounts:
            - {name: plugin, mountPath: /csi}
            - {name: registry, mountPath: /registration}
        {{- end }}
        {{- end }}
        {{- if .node.livenessProbe.enabled }}
        - name: liveness-probe
          image: {{ include "aiocsi.pulled" (dict "root" .root "image" .node.livenessProbe.image) | quote }}
          {{- include "aiocsi.container" .root | nindent 10 }}
          args:
            - --csi-address=/csi/csi.sock
            - --http-endpoint={{ .node.hostNetwork | ternary "127.0.0.1" "" }}:{{ add .node.httpPort 1 }}
          resources:
            {{- default $values.sidecars.resources .node.livenessProbe.resources | toYaml | nindent 12 }}
          securityContext:
            {{- include "aiocsi.restricted" . | nindent 12 }}
          volumeMounts:
            - {name: plugin, mountPath: /csi}
        {{- end }}
      volumes:
        - name: kubelet
          hostPath: {path: {{ $values.kubeletPath | quote }}, type: Directory}
        - name: devices
          hostPath: {path: /dev, type: Directory}
        - name: scratch
          emptyDir: {medium: Memory, sizeLimit: 16Mi}
        {{- if $told }}
        - name: told  # what the warden writes on this pod of its Node
          downwardAPI:
            items:
              {{- range list "draining" "max-volumes" }}
              - path: {{ . }}
                fieldRef: {fieldPath: "metadata.annotations['{{ $values.driver.name }}/{{ . }}']"}
              {{- end }}
        {{- end }}
        {{- if or .node.registrar.enabled .node.livenessProbe.enabled }}
        - name: plugin
          hostPath: {path: {{ $plugin | quote }}, type: DirectoryOrCreate}
        {{- end }}
        {{- if .node.registrar.enabled }}
        - name: registry
          hostPath: {path: {{ printf "%s/plugins_registry" $values.kubeletPath | quote }}, type: Directory}
        {{- end }}
        {{- if .node.removeAutomountRule }}
        - name: udev-rules
          hostPath: {path: /etc/udev/rules.d, type: DirectoryOrCreate}
        {{- end }}
        {{- with .node.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}

{{/* Whether the warden writes on these pods: "true", or empty. Takes what "aiocsi.node" takes. */}}
{{- define "aiocsi.nodeTold" -}}
{{- if and .root.Values.warden.enabled (or .root.Values.warden.maxVolumes (gt (int .node.drainWaitSeconds) 0)) -}}true{{- end -}}
{{- end }}

{{/* What the node service is told. Takes what "aiocsi.node" takes. */}}
{{- define "aiocsi.nodeEnv" -}}
{{- $values := .root.Values -}}
{{- $plugin := printf "%s/plugins/%s" $values.kubeletPath $values.driver.name -}}
{{- $local := and .node.hostNetwork (not $values.metrics.enabled) -}}
- name: AIOCSI_ENDPOINT
  value: {{ printf "unix://%s/csi.sock" $plugin | quote }}
{{- if not .node.registrar.enabled }}
- name: AIOCSI_REGISTRATION_DIR
  value: {{ printf "%s/plugins_registry" $values.kubeletPath | quote }}
- name: AIOCSI_KEEP_REGISTRATION
  value: {{ .node.keepRegistration | quote }}
{{- end }}
{{- if include "aiocsi.nodeTold" . }}
- name: AIOCSI_POD_FACTS_DIR
  value: /etc/aiocsi/told
{{- end }}
{{- if gt (int .node.drainWaitSeconds) 0 }}
- name: AIOCSI_DRAIN_WAIT_SECONDS
  value: {{ .node.drainWaitSeconds | quote }}
{{- end }}
- name: AIOCSI_KUBELET_DIR
  value: {{ $values.kubeletPath | quote }}
- name: AIOCSI_STATE_DIR
  value: {{ printf "%s/state" $plugin | quote }}
- name: AIOCSI_VOLUME_LIMIT
  value: {{ default $values.cloud.volumeLimit .node.volumeLimit | quote }}
{{- with .node.volumeReserve }}
- name: AIOCSI_VOLUME_RESERVE
  value: {{ . | quote }}
{{- end }}
{{- if and .node.hostNetwork $values.metrics.enabled }}
- name: NODE_IP
  valueFrom: {fieldRef: {fieldPath: status.hostIP}}
{{- end }}
- name: AIOCSI_HTTP_ADDR
  value: {{ printf "%s:%d" ($local | ternary "127.0.0.1" (.node.hostNetwork | ternary "[$(NODE_IP)]" "")) (int .node.httpPort) | quote }}
{{ include "aiocsi.commonEnv" .root }}
{{- end }}
