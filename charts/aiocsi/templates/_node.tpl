{{/* One DaemonSet of the node service. Takes root, node (its values) and set (its name; empty for the first). */}}
{{- define "aiocsi.node" -}}
{{- $values := .root.Values -}}
{{- $about := dict "root" .root "component" (empty .set | ternary "node" (printf "node-%s" .set)) -}}
{{- $service := printf "%s-node" (include "aiocsi.fullname" .root) -}}
{{- $plugin := printf "%s/plugins/%s" $values.kubeletPath $values.driver.name -}}
{{- $local := and .node.hostNetwork (not $values.metrics.enabled) -}}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ empty .set | ternary $service (printf "%s-%s" $service .set) }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "aiocsi.labels" $about | nindent 4 }}
spec:
  updateStrategy:
    rollingUpdate:
      maxUnavailable: {{ .node.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "aiocsi.selector" $about | nindent 6 }}
  template:
    metadata:
      annotations:
        kubectl.kubernetes.io/default-container: node
        {{- with .node.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      labels:
        {{- include "aiocsi.podLabels" $about | nindent 8 }}
        {{- with .node.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ $service }}
      automountServiceAccountToken: false
      priorityClassName: {{ .node.priorityClassName }}
      hostNetwork: {{ .node.hostNetwork }}
      hostPID: {{ .node.hostPID }}
      terminationGracePeriodSeconds: {{ add $values.driver.drainSeconds 10 }}
      {{- with $values.imagePullSecrets }}
      imagePullSecrets:
        {{- range . }}
        - name: {{ . }}
        {{- end }}
      {{- end }}
      securityContext:
        runAsUser: 0
        runAsGroup: 0
        seccompProfile: {type: RuntimeDefault}
      nodeSelector:
        {{- toYaml .node.nodeSelector | nindent 8 }}
      tolerations:
        {{- toYaml .node.tolerations | nindent 8 }}
      {{- with .node.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if .node.removeAutomountRule }}
      initContainers:
        - name: remove-automount-rule
          image: {{ include "aiocsi.image" .root }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          command: [rm, --force, --verbose, /host/udev/99-digitalocean-automount.rules]
          resources:
            {{- toYaml .node.resources | nindent 12 }}
          securityContext:
            {{- include "aiocsi.restricted" . | nindent 12 }}
          volumeMounts:
            - {name: udev-rules, mountPath: /host/udev}
      {{- end }}
      containers:
        - name: node
          image: {{ include "aiocsi.image" .root }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          command: [aiocsi-node]
          env:
            - name: AIOCSI_ENDPOINT
              value: unix://{{ $plugin }}/csi.sock
            {{- if not .node.registrar.enabled }}
            - name: AIOCSI_REGISTRATION_DIR
              value: {{ $values.kubeletPath }}/plugins_registry
            {{- end }}
            - name: AIOCSI_STATE_DIR
              value: {{ $plugin }}/state
            - name: AIOCSI_VOLUME_LIMIT
              value: {{ $values.cloud.volumeLimit | quote }}
            {{- if and .node.hostNetwork $values.metrics.enabled }}
            - name: NODE_IP
              valueFrom: {fieldRef: {fieldPath: status.hostIP}}
            {{- end }}
            - name: AIOCSI_HTTP_ADDR
              value: {{ $local | ternary "127.0.0.1" (.node.hostNetwork | ternary "$(NODE_IP)" "0.0.0.0") }}:{{ .node.httpPort }}
            {{- include "aiocsi.commonEnv" .root | nindent 12 }}
            {{- with .node.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
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
            - {name: kubelet, mountPath: {{ $values.kubeletPath }}, mountPropagation: Bidirectional}
            - {name: devices, mountPath: /dev}
            - {name: scratch, mountPath: /tmp}
            {{- with .node.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
        {{- with .node.registrar }}
        {{- if .enabled }}
        - name: registrar
          image: {{ .image }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
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
          image: {{ .node.livenessProbe.image }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
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
          hostPath: {path: {{ $values.kubeletPath }}, type: Directory}
        - name: devices
          hostPath: {path: /dev, type: Directory}
        - name: scratch
          emptyDir: {medium: Memory, sizeLimit: 16Mi}
        {{- if or .node.registrar.enabled .node.livenessProbe.enabled }}
        - name: plugin
          hostPath: {path: {{ $plugin }}, type: DirectoryOrCreate}
        {{- end }}
        {{- if .node.registrar.enabled }}
        - name: registry
          hostPath: {path: {{ $values.kubeletPath }}/plugins_registry, type: Directory}
        {{- end }}
        {{- if .node.removeAutomountRule }}
        - name: udev-rules
          hostPath: {path: /etc/udev/rules.d, type: DirectoryOrCreate}
        {{- end }}
        {{- with .node.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}
