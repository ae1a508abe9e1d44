{{/* Names and labels. */}}
{{- define "aiocsi.name" -}}
{{- regexReplaceAll "[-.]+$" (default .Chart.Name .Values.nameOverride | trunc 40) "" -}}
{{- end }}

{{/* Without dots, which a Service may not have. */}}
{{- define "aiocsi.fullname" -}}
{{- $name := printf "%s-%s" .Release.Name (include "aiocsi.name" .) -}}
{{- if .Values.fullnameOverride -}}
{{- $name = .Values.fullnameOverride -}}
{{- else if contains (include "aiocsi.name" .) .Release.Name -}}
{{- $name = .Release.Name -}}
{{- end -}}
{{- regexReplaceAll "-+$" ($name | replace "." "-" | trunc 40) "" -}}
{{- end }}

{{/* The driver's name selects, too: selectors are immutable, so Kubernetes refuses an upgrade that would rename the
driver under mounted volumes before any pod is replaced. */}}
{{- define "aiocsi.selector" -}}
app.kubernetes.io/name: {{ include "aiocsi.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
aiocsi.dev/driver: {{ .root.Values.driver.name | quote }}
{{- end }}

{{/* Name prefix of objects without a namespace: releases of one name in two namespaces do not share them. */}}
{{- define "aiocsi.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "aiocsi.fullname" .) -}}
{{- end }}

{{/* Labels of an object: the chart's own win over a value with the same key. Takes root, component and more (labels). */}}

{{- define "aiocsi.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | quote }}
{{ include "aiocsi.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
{{- with omit (merge (dict) (default dict .more) (default dict .root.Values.labels)) "helm.sh/chart" "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "aiocsi.dev/driver" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A pod's labels name no version: an upgrade that changes nothing else must not restart the pods. */}}
{{- define "aiocsi.podLabels" -}}
{{ include "aiocsi.selector" . }}
{{- with omit (merge (dict) (default dict .more) (default dict .root.Values.labels)) "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "aiocsi.dev/driver" }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image by the name that is pulled: global.imageRegistry replaces its registry. Takes root and image. */}}
{{- define "aiocsi.pulled" -}}
{{- $registry := dig "imageRegistry" "" (default dict .root.Values.global) -}}
{{- $first := splitList "/" .image | first -}}
{{- if not $registry -}}
{{- .image -}}
{{- else if and (contains "/" .image) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) -}}
{{- printf "%s/%s" (trimSuffix "/" $registry) (trimPrefix (printf "%s/" $first) .image) -}}
{{- else -}}
{{- printf "%s/%s" (trimSuffix "/" $registry) .image -}}
{{- end -}}
{{- end }}

{{- define "aiocsi.image" -}}
{{- $repository := required "image.repository is not set: push the image that make image builds to a registry, and name it here" .Values.image.repository -}}
{{- $suffix := empty .Values.image.digest | ternary (printf ":%s" (default .Chart.AppVersion .Values.image.tag)) (printf "@%s" .Values.image.digest) -}}
{{- include "aiocsi.pulled" (dict "root" . "image" (print $repository $suffix)) -}}
{{- end }}

{{/* Secrets to pull with, each given as a name or as in a pod. Takes the root. */}}
{{- define "aiocsi.pullSecrets" -}}
{{- with concat (default list .Values.imagePullSecrets) (default list (dig "imagePullSecrets" list (default dict .Values.global))) }}
imagePullSecrets:
  {{- range . }}
  - name: {{ kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name") | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Environment variables: one that the values give replaces the chart's of that name. Takes chart (YAML) and extra. */}}
{{- define "aiocsi.env" -}}
{{- $given := dict -}}
{{- range .extra -}}
{{- if hasKey $given .name }}{{ fail (printf "extraEnv has %s twice" .name) }}{{ end -}}
{{- $_ := set $given .name true -}}
{{- end -}}
{{- $all := list -}}
{{- range fromYamlArray .chart }}{{ if not (hasKey $given .name) }}{{ $all = append $all . }}{{ end }}{{ end -}}
{{- toYaml (concat $all (default list .extra)) -}}
{{- end }}

{{/* Whether snapshots are on: "true", or empty. auto: where the cluster has the CRDs. */}}
{{- define "aiocsi.snapshots" -}}
{{- if eq (toString .Values.snapshots.enabled) "auto" -}}
{{- if .Capabilities.APIVersions.Has "snapshot.storage.k8s.io/v1" -}}true{{- end -}}
{{- else if .Values.snapshots.enabled -}}true
{{- end -}}
{{- end }}

{{/* Values that only make sense together. */}}
{{- define "aiocsi.check" -}}
{{- if and (not .Values.metrics.enabled) (or .Values.metrics.serviceMonitor .Values.metrics.podMonitor) -}}
{{- fail "metrics.serviceMonitor and metrics.podMonitor need metrics.enabled=true" -}}
{{- end -}}
{{- if and (not .Values.metrics.enabled) .Values.metrics.rules.enabled -}}
{{- fail "metrics.rules need metrics.enabled=true: without it no node service can be scraped, and the alert about that never ends" -}}
{{- end -}}
{{- if and .Values.volumeAttributesClasses (not (semverCompare ">=1.34.0-0" .Capabilities.KubeVersion.Version)) -}}
{{- fail "volumeAttributesClasses need Kubernetes 1.34 or newer: remove them from the values" -}}
{{- end -}}
{{- with .Values.warden -}}
{{- if and .enabled .drift.intervalSeconds (le (int .drift.intervalSeconds) (int $.Values.sidecars.attacher.reconcileSeconds)) -}}
{{- fail "warden.drift.intervalSeconds must be more than sidecars.attacher.reconcileSeconds, or 0" -}}
{{- end -}}
{{- end -}}
{{- with .Values.controller.leases -}}
{{- if or (le (int .durationSeconds) (int .renewSeconds)) (le (mul 10 (int .renewSeconds)) (mul 12 (int .retrySeconds))) -}}
{{- fail "controller.leases: durationSeconds must be more than renewSeconds, and that more than 1.2 times retrySeconds: else no sidecar starts" -}}
{{- end -}}
{{- end -}}
{{- $named := dict -}}
{{- range $kind, $classes := dict "storageClasses.classes" .Values.storageClasses.classes "volumeAttributesClasses" .Values.volumeAttributesClasses -}}
{{- range $classes -}}
{{- $name := printf "%s: %s" $kind .name -}}
{{- if hasKey $named $name }}{{ fail (printf "%s is there twice" $name) }}{{ end -}}
{{- $_ := set $named $name true -}}
{{- end -}}
{{- end -}}
{{- $sets := dict -}}
{{- if .Values.node.enabled }}{{ $_ := set $sets "node" .Values.node }}{{ end -}}
{{- range $name, $overrides := .Values.additionalNodeSets }}
{{- if hasKey $overrides "enabled" }}{{ fail (printf "additionalNodeSets.%s.enabled does nothing: leave the set out" $name) }}{{ end }}
{{- $_ := set $sets (printf "additionalNodeSets.%s" $name) (mergeOverwrite (deepCopy $.Values.node) $overrides) }}
{{- end -}}
{{- range .Values.controller.extraVolumes -}}
{{- if has .name (list "socket" "token" "ca" "kubernetes-token") }}{{ fail (printf "controller.extraVolumes: the chart has a volume %s itself" .name) }}{{ end -}}
{{- end -}}
{{- range $name, $set := $sets -}}
{{- range $set.extraVolumes -}}
{{- if has .name (list "kubelet" "devices" "scratch" "told" "plugin" "registry" "udev-rules") }}{{ fail (printf "%s.extraVolumes: the chart has a volume %s itself" $name .name) }}{{ end -}}
{{- end -}}
{{- if and (gt (int $set.drainWaitSeconds) 0) (or $set.registrar.enabled (not $.Values.warden.enabled)) -}}
{{- fail (printf "%s.drainWaitSeconds needs warden.enabled=true and %s.registrar.enabled=false: the warden says when a node is drained, and the sidecar would unregister the driver while it waits" $name $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.warden.maxVolumes (not .Values.warden.enabled) -}}
{{- fail "warden.maxVolumes needs warden.enabled=true" -}}
{{- end -}}
{{- if .Values.controller.hostNetwork -}}
{{- range $name, $set := $sets -}}
{{- if and $set.hostNetwork (le (int $set.httpPort) (int (add $.Values.controller.httpPort 6))) (ge (int (add $set.httpPort 1)) (int $.Values.controller.httpPort)) -}}
{{- fail (printf "controller.httpPort %d and the six ports after it meet %s.httpPort %d on the host's network: choose others" (int $.Values.controller.httpPort) $name (int $set.httpPort)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if gt (len (printf "%s/plugins/%s/csi.sock" .Values.kubeletPath .Values.driver.name)) 107 -}}
{{- fail (printf "%s/plugins/%s/csi.sock is longer than the 107 bytes that a Unix socket allows: use a shorter driver.name" .Values.kubeletPath .Values.driver.name) -}}
{{- end -}}
{{- $defaults := list -}}
{{- if .Values.storageClasses.create -}}
{{- range .Values.storageClasses.classes -}}
{{- if or (eq .name $.Values.storageClasses.default) (eq (toString (get (default dict .annotations) "storageclass.kubernetes.io/is-default-class")) "true") }}{{ $defaults = append $defaults .name }}{{ end -}}
{{- end -}}
{{- if gt (len $defaults) 1 -}}
{{- fail (printf "more than one default StorageClass: %s" (join ", " $defaults)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "aiocsi.tokenSecret" -}}
{{- if .Values.cloud.token.value -}}
{{ include "aiocsi.fullname" . }}-token
{{- else -}}
{{- required "cloud.token.existingSecret is empty, and cloud.token.value is, too: name the Secret with the API token" .Values.cloud.token.existingSecret -}}
{{- end -}}
{{- end }}

{{/* What both services of the driver are told. */}}
{{- define "aiocsi.commonEnv" -}}
- name: AIOCSI_CLOUD
  value: {{ .Values.cloud.provider }}
- name: AIOCSI_DRIVER_NAME
  value: {{ .Values.driver.name | quote }}
- name: AIOCSI_LOG_FORMAT
  value: {{ .Values.driver.logFormat }}
- name: AIOCSI_LOG_LEVEL
  value: {{ .Values.driver.logLevel }}
- name: AIOCSI_DRAIN_SECONDS
  value: {{ .Values.driver.drainSeconds | quote }}
{{- with .Values.cloud.region }}
- name: AIOCSI_REGION
  value: {{ . | quote }}
{{- end }}
{{- with .Values.cloud.metadataUrl }}
- name: AIOCSI_METADATA_URL
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{/* The name of the Service, which may not begin with a digit. */}}
{{- define "aiocsi.service" -}}
{{- regexReplaceAll "^([0-9])" (include "aiocsi.fullname" .) "csi-${1}" }}-controller
{{- end }}

{{/* Everything that a container can do without. */}}
{{- define "aiocsi.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* What every container has: the last lines of its log reach kubectl describe when it fails. */}}
{{- define "aiocsi.container" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{/* What the pods of both services share. Takes root, service (its values) and holdSeconds (may be missing). */}}
{{- define "aiocsi.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
priorityClassName: {{ .service.priorityClassName | quote }}
hostNetwork: {{ .service.hostNetwork }}
{{- with .service.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .service.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
terminationGracePeriodSeconds: {{ add .root.Values.driver.drainSeconds 10 (int .holdSeconds) }}
{{- include "aiocsi.pullSecrets" .root }}
{{- end }}
