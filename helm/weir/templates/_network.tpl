{{/* Ports of Kafka: those given, else those of the bootstrap servers. */}}
{{- define "weir.kafkaPorts" -}}
{{- $ports := list -}}
{{- if .Values.networkPolicy.kafkaPorts -}}
{{- range .Values.networkPolicy.kafkaPorts -}}{{- $ports = append $ports (int .) -}}{{- end -}}
{{- else -}}
{{- range splitList "," .Values.kafka.bootstrap -}}
{{- $ports = append $ports (splitList ":" (trim .) | last | int) -}}
{{- end -}}
{{- end -}}
{{- range $ports | uniq }}
- port: {{ . }}
  protocol: TCP
{{- end }}
{{- end -}}

{{/* Out: DNS and Kafka. */}}
{{- define "weir.egress" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
  {{- with .Values.networkPolicy.dnsPeers }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
- ports: {{- include "weir.kafkaPorts" . | nindent 4 }}
  {{- with .Values.networkPolicy.kafkaPeers }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
