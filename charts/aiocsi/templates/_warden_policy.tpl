{{/* What of a Node the warden may change, however it may be deceived: the taint and the annotation of a failover. RBAC
cannot say which part of an object may be patched; an admission policy can. */}}
{{- define "aiocsi.wardenPolicy" -}}
{{- $name := printf "%s-warden" (include "aiocsi.clusterName" .) -}}
{{- $user := printf "system:serviceaccount:%s:%s-warden" .Release.Namespace (include "aiocsi.fullname" .) -}}
{{- $labels := include "aiocsi.labels" (dict "root" . "component" "warden") -}}
{{- $annotations := list -}}
{{- $taints := list -}}
{{- if eq (include "aiocsi.failoverMode" .) "taint" -}}
{{- $annotations = append $annotations (printf "%s/tainted-by" .Values.driver.name) -}}
{{- $taints = append $taints "node.kubernetes.io/out-of-service" -}}
{{- end -}}
{{- if .Values.warden.startTaint }}{{ $taints = append $taints (printf "%s/agent-not-ready" .Values.driver.name) }}{{ end -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [nodes]}
  matchConditions:
    - name: by-the-warden
      expression: request.userInfo.username == {{ $user | quote }}
  variables:
    - {name: keys, expression: {{ $annotations | toJson | quote }}}
    - {name: taintKeys, expression: {{ $taints | toJson | quote }}}
    - {name: was, expression: "oldObject.metadata.?annotations.orValue({})"}
    - {name: is, expression: "object.metadata.?annotations.orValue({})"}
    - {name: hadTaints, expression: "oldObject.spec.?taints.orValue([])"}
    - {name: hasTaints, expression: "object.spec.?taints.orValue([])"}
  validations:
    - expression: >-
        variables.is.all(k, k in variables.keys || (k in variables.was && variables.was[k] == variables.is[k])) &&
        variables.was.all(k, k in variables.keys || k in variables.is)
      message: the warden may change no annotation of a Node but its own
    - expression: >-
        variables.hasTaints.all(t, t.key in variables.taintKeys || variables.hadTaints.exists(o, o == t)) &&
        variables.hadTaints.all(o, o.key in variables.taintKeys || variables.hasTaints.exists(t, t == o))
      message: the warden may change no taint of a Node but its own
    - expression: >-
        object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({}) &&
        object.metadata.?finalizers.orValue([]) == oldObject.metadata.?finalizers.orValue([]) &&
        object.metadata.?ownerReferences.orValue([]) == oldObject.metadata.?ownerReferences.orValue([]) &&
        object.spec.?unschedulable.orValue(false) == oldObject.spec.?unschedulable.orValue(false) &&
        object.spec.?providerID.orValue("") == oldObject.spec.?providerID.orValue("") &&
        object.spec.?podCIDRs.orValue([]) == oldObject.spec.?podCIDRs.orValue([])
      message: the warden may change nothing else of a Node
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
{{- end }}

{{/* What of a claim it may change: the health in its status. */}}
{{- define "aiocsi.wardenClaimPolicy" -}}
{{- $name := printf "%s-warden-claims" (include "aiocsi.clusterName" .) -}}
{{- $user := printf "system:serviceaccount:%s:%s-warden" .Release.Namespace (include "aiocsi.fullname" .) -}}
{{- $labels := include "aiocsi.labels" (dict "root" . "component" "warden") -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [persistentvolumeclaims, persistentvolumeclaims/status]}
  matchConditions:
    - name: by-the-warden
      expression: request.userInfo.username == {{ $user | quote }}
  variables:
    - {name: was, expression: oldObject.status}
    - {name: is, expression: object.status}
  validations:
    - expression: >-
        object.spec == oldObject.spec &&
        variables.is.?phase.orValue("") == variables.was.?phase.orValue("") &&
        variables.is.?accessModes.orValue([]) == variables.was.?accessModes.orValue([]) &&
        variables.is.?capacity.orValue({}) == variables.was.?capacity.orValue({}) &&
        variables.is.?conditions.orValue([]) == variables.was.?conditions.orValue([]) &&
        variables.is.?allocatedResources.orValue({}) == variables.was.?allocatedResources.orValue({}) &&
        variables.is.?allocatedResourceStatuses.orValue({}) == variables.was.?allocatedResourceStatuses.orValue({}) &&
        variables.is.?currentVolumeAttributesClassName.orValue("") == variables.was.?currentVolumeAttributesClassName.orValue("") &&
        variables.is.?modifyVolumeStatus.orValue({}) == variables.was.?modifyVolumeStatus.orValue({}) &&
        object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({}) &&
        object.metadata.?annotations.orValue({}) == oldObject.metadata.?annotations.orValue({}) &&
        object.metadata.?finalizers.orValue([]) == oldObject.metadata.?finalizers.orValue([]) &&
        object.metadata.?ownerReferences.orValue([]) == oldObject.metadata.?ownerReferences.orValue([])
      message: the warden may change nothing of a claim but the health in its status
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
{{- end }}

{{/* What of a pod it may change: the two annotations by which it tells the node service of its Node, of that service's
pods alone. */}}
{{- define "aiocsi.wardenPodPolicy" -}}
{{- $name := printf "%s-warden-pods" (include "aiocsi.clusterName" .) -}}
{{- $user := printf "system:serviceaccount:%s:%s-warden" .Release.Namespace (include "aiocsi.fullname" .) -}}
{{- $labels := include "aiocsi.labels" (dict "root" . "component" "warden") -}}
{{- $annotations := list -}}
{{- if include "aiocsi.drainWait" . }}{{ $annotations = append $annotations (printf "%s/draining" .Values.driver.name) }}{{ end -}}
{{- if .Values.warden.maxVolumes }}{{ $annotations = append $annotations (printf "%s/max-volumes" .Values.driver.name) }}{{ end -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [pods]}
  matchConditions:
    - name: by-the-warden
      expression: request.userInfo.username == {{ $user | quote }}
  variables:
    - {name: keys, expression: {{ $annotations | toJson | quote }}}
    - {name: was, expression: "oldObject.metadata.?annotations.orValue({})"}
    - {name: is, expression: "object.metadata.?annotations.orValue({})"}
    - {name: labels, expression: "oldObject.metadata.?labels.orValue({})"}
  validations:
    - expression: >-
        variables.labels[?"aiocsi.dev/driver"].orValue("") == {{ .Values.driver.name | quote }} &&
        variables.labels[?"app.kubernetes.io/component"].orValue("").matches("^node(-.*)?$")
      message: the warden may change no pod but the node service's
    - expression: >-
        variables.is.all(k, k in variables.keys || (k in variables.was && variables.was[k] == variables.is[k])) &&
        variables.was.all(k, k in variables.keys || k in variables.is)
      message: the warden may change no annotation of a pod but its own
    - expression: >-
        object.metadata.?labels.orValue({}) == variables.labels &&
        object.metadata.?finalizers.orValue([]) == oldObject.metadata.?finalizers.orValue([]) &&
        object.metadata.?ownerReferences.orValue([]) == oldObject.metadata.?ownerReferences.orValue([]) &&
        object.spec == oldObject.spec
      message: the warden may change nothing else of a pod
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
{{- end }}
