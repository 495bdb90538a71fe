{{/* What Weir's pods have in common. */}}

{{/* No token, no service variables (Kubernetes would call them WEIR_…, which Weir refuses), no privileges. */}}
{{- define "weir.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ int .Values.runAsUser }}
  runAsGroup: {{ int .Values.runAsUser }}
  fsGroup: {{ int .Values.runAsUser }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "weir.containerSecurity" -}}
image: {{ include "weir.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- define "weir.placement" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Requests and limits by the figures of docs/deploy.md, for so many sanitizer processes. */}}
{{- define "weir.resources" -}}
{{- if .Values.resources -}}
{{ toYaml .Values.resources }}
{{- else -}}
{{- $processes := int .Values.settings.processes -}}
{{- $memory := add 640 (mul 256 $processes) -}}
requests:
  cpu: {{ add 500 (mul 1000 $processes) }}m
  memory: {{ $memory }}Mi
limits:
  cpu: {{ add 1000 (mul 1000 $processes) }}m
  memory: {{ add 1280 $memory }}Mi
{{- end -}}
{{- end -}}

{{/* Of what only looks: policy, keys, topics, a canary. */}}
{{- define "weir.smallResources" -}}
requests:
  cpu: 100m
  memory: 256Mi
limits:
  cpu: "1"
  memory: 1Gi
{{- end -}}

{{- define "weir.policyEnv" -}}
- name: WEIR_CONFIG_DIR
  value: /etc/weir/policy
- name: WEIR_KEYRING_FILE
  value: /run/weir/keyring/keyring.json
{{- if .Values.keyring.kekSecret }}
- name: WEIR_KEYRING_KEK_FILE
  value: /run/weir/kek/kek
{{- end }}
{{- end -}}

{{- define "weir.policyMounts" -}}
- name: policy
  mountPath: /etc/weir/policy
  readOnly: true
- name: keyring
  mountPath: /run/weir/keyring
  readOnly: true
{{- if .Values.keyring.kekSecret }}
- name: kek
  mountPath: /run/weir/kek
  readOnly: true
{{- end }}
- name: temporary
  mountPath: /tmp
{{- end -}}

{{/* Takes a list: the context, and the name of the policy's ConfigMap. */}}
{{- define "weir.policyVolumes" -}}
{{- $context := index . 0 -}}
- name: policy
  configMap:
    name: {{ index . 1 }}
    items: {{- include "weir.policyItems" $context | nindent 6 }}
- name: keyring
  secret:
    secretName: {{ $context.Values.keyring.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ $context.Values.keyring.key }}
        path: keyring.json
{{- with $context.Values.keyring.kekSecret }}
- name: kek
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - key: {{ $context.Values.keyring.kekKey }}
        path: kek
{{- end }}
- name: temporary
  emptyDir:
    sizeLimit: {{ $context.Values.temporarySize }}
{{- end -}}

{{- define "weir.kafkaEnv" -}}
{{- $kafka := .Values.kafka -}}
- name: WEIR_KAFKA_BOOTSTRAP
  value: {{ $kafka.bootstrap | quote }}
- name: WEIR_SECURITY_PROTOCOL
  value: {{ $kafka.securityProtocol }}
{{- with $kafka.sasl.mechanism }}
- name: WEIR_SASL_MECHANISM
  value: {{ . }}
{{- if eq . "OAUTHBEARER" }}
- name: WEIR_SASL_TOKEN_FILE
  value: /run/weir/sasl/token
{{- else }}
- name: WEIR_SASL_USERNAME
  value: {{ $kafka.sasl.username | quote }}
- name: WEIR_SASL_PASSWORD_FILE
  value: /run/weir/sasl/password
{{- end }}
{{- end }}
{{- if $kafka.tls.caSecret }}
- name: WEIR_TLS_CA_FILE
  value: /run/weir/tls-ca/ca.crt
{{- end }}
{{- if $kafka.tls.certificateSecret }}
- name: WEIR_TLS_CERTIFICATE_FILE
  value: /run/weir/tls/tls.crt
- name: WEIR_TLS_KEY_FILE
  value: /run/weir/tls/tls.key
{{- if $kafka.tls.privateKeyPasswordKey }}
- name: WEIR_TLS_KEY_PASSWORD_FILE
  value: /run/weir/tls/password
{{- end }}
{{- end }}
- name: WEIR_RAW_TOPIC
  value: {{ $kafka.topics.raw | quote }}
- name: WEIR_DEAD_LETTER_TOPIC
  value: {{ $kafka.topics.deadLetter | quote }}
- name: WEIR_CONTROL_TOPIC
  value: {{ $kafka.topics.control | quote }}
{{- range $name, $value := .Values.settings }}
- name: WEIR_{{ $name | snakecase | upper }}
  value: {{ ternary (printf "%v" $value) (toJson $value) (kindIs "string" $value) | quote }}
{{- end }}
{{- end -}}

{{- define "weir.kafkaMounts" -}}
{{- if .Values.kafka.sasl.existingSecret }}
- name: sasl
  mountPath: /run/weir/sasl
  readOnly: true
{{- end }}
{{- if .Values.kafka.tls.caSecret }}
- name: tls-ca
  mountPath: /run/weir/tls-ca
  readOnly: true
{{- end }}
{{- if .Values.kafka.tls.certificateSecret }}
- name: tls
  mountPath: /run/weir/tls
  readOnly: true
{{- end }}
{{- end -}}

{{- define "weir.kafkaVolumes" -}}
{{- $kafka := .Values.kafka -}}
{{- with $kafka.sasl.existingSecret }}
- name: sasl
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      {{- if eq $kafka.sasl.mechanism "OAUTHBEARER" }}
      - key: {{ $kafka.sasl.tokenKey }}
        path: token
      {{- else }}
      - key: {{ $kafka.sasl.passwordKey }}
        path: password
      {{- end }}
{{- end }}
{{- with $kafka.tls.caSecret }}
- name: tls-ca
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - key: {{ $kafka.tls.caKey }}
        path: ca.crt
{{- end }}
{{- with $kafka.tls.certificateSecret }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - key: {{ $kafka.tls.certificateKey }}
        path: tls.crt
      - key: {{ $kafka.tls.privateKeyKey }}
        path: tls.key
      {{- with $kafka.tls.privateKeyPasswordKey }}
      - key: {{ . }}
        path: password
      {{- end }}
{{- end }}
{{- end -}}
