{{- define "keyholder.labels" -}}
app.kubernetes.io/name: keyholder
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "keyholder.objectRules" -}}
- apiGroups: [keyholder.dev]
  resources: [aihubs, aiservicesaccounts, aiprojects]
  verbs: [get, list, watch, patch]
- apiGroups: [keyholder.dev]
  resources: [aihubs/status, aiservicesaccounts/status, aiprojects/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- define "keyholder.subject" -}}
- kind: ServiceAccount
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
{{- end }}
