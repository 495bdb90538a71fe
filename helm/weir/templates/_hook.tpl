{{/* Before an install or upgrade, in the order of the weight given; what failed stays, to be looked at. */}}
{{- define "weir.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-output-log-policy: hook-failed
{{- end -}}
