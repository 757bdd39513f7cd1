{{- define "headrace.labels" -}}
app.kubernetes.io/name: headrace
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "headrace.selector" -}}
app.kubernetes.io/name: headrace
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "headrace.configMap" -}}
{{ .Values.project.existingConfigMap | default (printf "%s-project" .Release.Name) }}
{{- end }}

{{- /* What every pod has in common. Takes root, args, state (a volume source), restartPolicy and, of `serve`, ports and probes. */}}
{{- define "headrace.podSpec" -}}
{{- $root := .root -}}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .restartPolicy }}
restartPolicy: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ $root.Values.terminationGracePeriodSeconds }}
serviceAccountName: {{ $root.Release.Name }}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile: { type: RuntimeDefault }
containers:
  - name: headrace
    image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args: {{- toYaml .args | nindent 6 }}
    env:
      - { name: HEADRACE_STATE, value: /var/lib/headrace }
      {{- range $name, $value := $root.Values.env }}
      - name: {{ $name }}
        value: {{ $value | quote }}
      {{- end }}
    envFrom:
      - secretRef: { name: {{ $root.Values.secretName }} }
    {{- with .more }}
    {{- . | nindent 4 }}
    {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: { drop: [ALL] }
    resources: {{- toYaml $root.Values.resources | nindent 6 }}
    volumeMounts:
      - { name: project, mountPath: /project, readOnly: true }
      - { name: state, mountPath: /var/lib/headrace }
      - { name: tmp, mountPath: /tmp }
volumes:
  - name: project
    configMap:
      name: {{ include "headrace.configMap" $root }}
      items:
        {{- range $path, $_ := $root.Values.project.files }}
        - { key: {{ $path | replace "/" "__" }}, path: {{ $path }} }
        {{- end }}
  - name: state
    {{- .state | nindent 4 }}
  - name: tmp
    emptyDir: {}
{{- with $root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* What is unreachable is tried again; configuration and guards wait for a person; another owner, and the end of a node, are no failures. */}}
{{- define "headrace.failurePolicy" -}}
podFailurePolicy:
  rules:
    - action: FailJob
      onExitCodes: { containerName: headrace, operator: In, values: [2, 4] }
    - action: Ignore
      onExitCodes: { containerName: headrace, operator: In, values: [5, 143] }
    - action: Ignore
      onPodConditions: [{ type: DisruptionTarget, status: "True" }]
{{- end }}
