{{/* Each step is a rebalance, in which the whole group stands for a moment: up fast, down slowly. */}}
{{- define "weir.scalingBehavior" -}}
scaleUp:
  stabilizationWindowSeconds: 30
  policies:
    - type: Percent
      value: 100
      periodSeconds: 60
scaleDown:
  stabilizationWindowSeconds: 300
  policies:
    - type: Pods
      value: 1
      periodSeconds: 120
{{- end -}}
