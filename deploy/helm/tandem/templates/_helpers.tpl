{{/* What each service listens on, keeps, and asks: the one place that says so. */}}
{{- define "tandem.topology" -}}
inventory: { port: 50051, database: true, cache: true, asks: [authority] }
prerequisites: { port: 50052, database: true, cache: true, asks: [inventory, authority] }
authority: { port: 50053, database: true, cache: true, asks: [inventory] }
monitoring: { port: 50054, database: false, cache: false, asks: [inventory, authority, prerequisites] }
{{- end }}

{{- define "tandem.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{/* By what the pods of a service are chosen; takes (dict "root" $ "name" NAME). */}}
{{- define "tandem.selector" -}}
app.kubernetes.io/name: tandem-{{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "tandem.labels" -}}
{{ include "tandem.selector" . }}
app.kubernetes.io/component: {{ .name }}
app.kubernetes.io/part-of: tandem
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Of what belongs to no service. */}}
{{- define "tandem.commonLabels" -}}
app.kubernetes.io/name: tandem
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: tandem
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The keys that are no secret. A key that a service does not know is an error at its start, so each has its own. */}}
{{- define "tandem.environment" -}}
{{- $root := .root -}}
{{- $topology := include "tandem.topology" $root | fromYaml -}}
{{- $service := index $topology .name -}}
TANDEM_LISTEN: {{ printf "%s:%d" $root.Values.listenAddress (int $service.port) | quote }}
TANDEM_OPERATIONS: {{ printf "%s:9464" $root.Values.listenAddress | quote }}
TANDEM_LOG_FORMAT: {{ $root.Values.logFormat | quote }}
TANDEM_TLS__CERTIFICATE: /etc/tandem/tls/tls.crt
TANDEM_TLS__KEY: /etc/tandem/tls/tls.key
TANDEM_TLS__CLIENT_CA: /etc/tandem/tls/ca.crt
{{- if $root.Values.tokens.issuer }}
TANDEM_TOKENS__ISSUER: {{ $root.Values.tokens.issuer | quote }}
TANDEM_TOKENS__AUDIENCE: {{ $root.Values.tokens.audience | quote }}
{{- if $root.Values.tokens.assignments.existingSecret }}
TANDEM_TOKENS__ASSIGNMENTS: /etc/tandem/assignments/assignments.toml
{{- end }}
{{- if $root.Values.tokens.existingSecret }}
TANDEM_TOKENS__KEYS: /etc/tandem/tokens/token-keys.json
{{- else if $root.Values.authorities.tokensKey }}
TANDEM_TOKENS__CA: /etc/tandem/authorities/{{ $root.Values.authorities.tokensKey }}
{{- end }}
{{- end }}
{{- if and $service.cache $root.Values.cache.existingSecret }}
TANDEM_CACHE_CLUSTER: {{ $root.Values.cache.cluster | quote }}
{{- with $root.Values.authorities.cacheKey }}
TANDEM_CACHE_CA: /etc/tandem/authorities/{{ . }}
{{- end }}
{{- end }}
{{- if $service.asks }}
TANDEM_PEERS__CA: /etc/tandem/tls/ca.crt
TANDEM_PEERS__CERTIFICATE: /etc/tandem/tls/tls.crt
TANDEM_PEERS__KEY: /etc/tandem/tls/tls.key
{{- end }}
{{- range $asked := $service.asks }}
TANDEM_{{ upper $asked }}: https://tandem-{{ $asked }}:{{ int (index $topology $asked).port }}
{{- end }}
{{- if and (eq .name "authority") $root.Values.audit.existingSecret }}
TANDEM_AUDIT__SIGNING_KEY: /etc/tandem/audit/signing.key
{{- end }}
{{- with $root.Values.traces }}
{{- if .endpoint }}
TANDEM_OTLP_ENDPOINT: {{ .endpoint | quote }}
TANDEM_TRACE_RATIO: {{ .ratio | quote }}
{{- end }}
{{- end }}
{{- end }}
