{{- define "bunscope.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "bunscope.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "bunscope.name" .) .Release.Name -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name (include "bunscope.name" .) | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "bunscope.selector" -}}
app.kubernetes.io/name: {{ include "bunscope.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "bunscope.labels" -}}
{{ include "bunscope.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "bunscope.serviceAccount" -}}
{{ default (ternary (include "bunscope.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- /* What asks whether the agent is well: the kubelet has no client certificate to show. */}}
{{- define "bunscope.probe" -}}
{{- if .root.Values.webConfig.clientCertificates -}}
tcpSocket: {port: metrics}
{{- else -}}
httpGet: {path: {{ .path }}, port: metrics, scheme: {{ upper .root.Values.webConfig.scheme }}}
{{- end -}}
{{- end }}

{{- /* A target carries the node's name: dashboards and rules go by it. */}}
{{- define "bunscope.endpoint" -}}
port: metrics
interval: {{ .monitor.interval }}
scheme: {{ .root.Values.webConfig.scheme }}
relabelings:
  - {sourceLabels: [__meta_kubernetes_pod_node_name], targetLabel: node}
{{- with .monitor.endpoint }}
{{ toYaml . }}
{{- end }}
{{- end }}
