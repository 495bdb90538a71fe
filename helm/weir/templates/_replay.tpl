{{/* A Job's spec: one pod a shard. Takes a list: context, job id, replay, shards. */}}
{{- define "weir.replayJob" -}}
{{- $context := index . 0 -}}
{{- $replay := index . 2 -}}
{{- $shards := index . 3 -}}
completionMode: Indexed
completions: {{ $shards }}
parallelism: {{ $shards }}
# The same command goes on where it was; wrong usage and findings don't get better by it.
backoffLimitPerIndex: 6
podFailurePolicy:
  rules:
    - action: FailIndex
      onExitCodes:
        containerName: replay
        operator: In
        values: [1, 2]
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
          status: "True"
ttlSecondsAfterFinished: 604800
template:
  metadata:
    labels:
      {{- include "weir.labels" $context | nindent 6 }}
      app.kubernetes.io/component: replay
      {{- with $context.Values.podLabels }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
  spec:
    restartPolicy: Never
    serviceAccountName: {{ include "weir.serviceAccount" $context }}
    {{- include "weir.podSecurity" $context | nindent 4 }}
    terminationGracePeriodSeconds: {{ add 15 (ceil $context.Values.settings.shutdownGrace) }}
    containers:
      - name: replay
        {{- include "weir.containerSecurity" $context | nindent 8 }}
        args:
          - replay
          {{- range $replay.arguments }}
          - {{ . | quote }}
          {{- end }}
          - --job={{ ternary "$(REPLAY_JOB)" (index . 1) (hasKey $replay "schedule") }}
          - --shard=$(JOB_COMPLETION_INDEX)/{{ $shards }}
        env:
          {{- include "weir.policyEnv" $context | nindent 10 }}
          {{- include "weir.kafkaEnv" $context | nindent 10 }}
          {{- if hasKey $replay "schedule" }}
          - name: REPLAY_JOB
            valueFrom:
              fieldRef:
                fieldPath: metadata.labels['batch.kubernetes.io/job-name']
          {{- end }}
        resources: {{- include "weir.resources" $context | nindent 10 }}
        volumeMounts:
          {{- include "weir.policyMounts" $context | nindent 10 }}
          {{- include "weir.kafkaMounts" $context | nindent 10 }}
    {{- include "weir.placement" $context | nindent 4 }}
    volumes:
      {{- include "weir.policyVolumes" (list $context (printf "%s-policy" (include "weir.fullname" $context))) | nindent 6 }}
      {{- include "weir.kafkaVolumes" $context | nindent 6 }}
{{- end -}}
