{{/* The policy's files as a ConfigMap's data: tracking_plan.yaml, and one a vendor. */}}

{{- define "weir.policyData" -}}
{{- $files := dict -}}
{{- if .Values.policy.trackingPlan -}}
{{- $_ := set $files "tracking_plan.yaml" .Values.policy.trackingPlan -}}
{{- range $vendor, $text := .Values.policy.vendors -}}
{{- $_ := set $files (printf "%s.yaml" $vendor) $text -}}
{{- end -}}
{{- else -}}
{{- $_ := set $files "tracking_plan.yaml" (.Files.Get "policy/tracking_plan.yaml") -}}
{{- range $path, $text := .Files.Glob "policy/vendors/*.yaml" -}}
{{- $_ := set $files (base $path) (toString $text) -}}
{{- end -}}
{{- end -}}
{{ toYaml $files }}
{{- end -}}

{{/* Where each of them is in the pod: as in a checkout's config/. */}}
{{- define "weir.policyItems" -}}
{{- range $file := keys (include "weir.policyData" . | fromYaml) | sortAlpha }}
- key: {{ $file }}
  path: {{ ternary $file (printf "vendors/%s" $file) (eq $file "tracking_plan.yaml") }}
{{- end }}
{{- end -}}
