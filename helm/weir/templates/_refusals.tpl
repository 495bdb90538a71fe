{{/* What the schema can't see, because it is about two values: each line says what to change. */}}

{{- define "weir.refusals" -}}
{{- $partitions := int .Values.kafka.partitions -}}
{{- $type := .Values.autoscaling.type -}}
{{- $most := ternary (int .Values.replicas) (int .Values.autoscaling.maxReplicas) (eq $type "none") -}}
{{- $which := ternary "replicas" "autoscaling.maxReplicas" (eq $type "none") -}}
{{- if gt $most $partitions -}}
{{- fail (printf "%s is %d, above kafka.partitions (%d): the workers beyond would stand by. Lower it, or add partitions and say so in kafka.partitions." $which $most $partitions) -}}
{{- end -}}
{{- if and (ne $type "none") (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas (%d) is above autoscaling.maxReplicas (%d)." (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- if and .Values.policy.trackingPlan (not .Values.policy.vendors) -}}
{{- fail "policy.trackingPlan is given without policy.vendors: add --set-file policy.vendors.<vendor>=FILE for each vendor." -}}
{{- end -}}
{{- if and .Values.policy.vendors (not .Values.policy.trackingPlan) -}}
{{- fail "policy.vendors is given without policy.trackingPlan: add --set-file policy.trackingPlan=FILE." -}}
{{- end -}}
{{- if and .Values.tests.canary (not (hasKey (include "weir.policyData" . | fromYaml) (printf "%s.yaml" .Values.tests.vendor))) -}}
{{- fail (printf "tests.vendor is %s, which the policy has no file for: name one that it has, or set tests.canary to false." .Values.tests.vendor) -}}
{{- end -}}
{{- if and (eq $type "hpa") .Values.resources (not (dig "requests" "cpu" "" .Values.resources)) -}}
{{- fail "autoscaling.type is hpa, which goes by resources.requests.cpu: set it, or leave resources empty." -}}
{{- end -}}
{{- range $job, $replay := .Values.replays -}}
{{- $arguments := printf " %s " (join " " $replay.arguments) -}}
{{- if and (gt (int (default 1 $replay.shards)) 1) (not (or (regexMatch " --to[ =]" $arguments) (regexMatch " --offsets[ =]" $arguments))) -}}
{{- fail (printf "replays.%s has %d shards and no --to: each would settle an end of its own. Give --from and --to as fixed times." $job (int $replay.shards)) -}}
{{- end -}}
{{- end -}}
{{- if and (eq (int .Values.rollout.maxSurge) 0) (eq (int .Values.rollout.maxUnavailable) 0) -}}
{{- fail "rollout.maxSurge and rollout.maxUnavailable are both 0: nothing could be replaced." -}}
{{- end -}}
{{- end -}}
