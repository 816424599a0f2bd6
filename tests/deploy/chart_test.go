// SPDX-License-Identifier: Apache-2.0

// Package deploy renders the Helm chart with Helm's own engine, in each combination of its switches, and decodes what
// comes out strictly into the types of Kubernetes and of the Prometheus operator: a field that they do not know is an
// error. The manifest beside the chart is held to the same.
package deploy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

const (
	chartPath    = "../../deploy/helm/bunscope"
	manifestPath = "../../deploy/kubernetes/bunscope.yaml"
)

// Every kind that the chart may make.
func newObject(kind string) any {
	switch kind {
	case "DaemonSet":
		return &appsv1.DaemonSet{}
	case "ServiceAccount":
		return &corev1.ServiceAccount{}
	case "ConfigMap":
		return &corev1.ConfigMap{}
	case "Service":
		return &corev1.Service{}
	case "Namespace":
		return &corev1.Namespace{}
	case "NetworkPolicy":
		return &networkingv1.NetworkPolicy{}
	case "ClusterRole":
		return &rbacv1.ClusterRole{}
	case "ClusterRoleBinding":
		return &rbacv1.ClusterRoleBinding{}
	case "ServiceMonitor":
		return &monitoringv1.ServiceMonitor{}
	case "PodMonitor":
		return &monitoringv1.PodMonitor{}
	case "PrometheusRule":
		return &monitoringv1.PrometheusRule{}
	}
	return nil
}

type objects map[string][]any

func (o objects) daemonSet(t *testing.T) *appsv1.DaemonSet {
	t.Helper()
	if len(o["DaemonSet"]) != 1 {
		t.Fatalf("%d DaemonSets", len(o["DaemonSet"]))
	}
	return o["DaemonSet"][0].(*appsv1.DaemonSet)
}

func decode(t *testing.T, text string) objects {
	t.Helper()
	found := objects{}
	for _, document := range strings.Split("\n"+text, "\n---") {
		var meta struct{ Kind string }
		if err := yaml.Unmarshal([]byte(document), &meta); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if meta.Kind == "" {
			continue
		}
		object := newObject(meta.Kind)
		if object == nil {
			t.Fatalf("a %s is not expected", meta.Kind)
		}
		if err := yaml.UnmarshalStrict([]byte(document), object, yaml.DisallowUnknownFields); err != nil {
			t.Fatalf("%s: %v in\n%s", meta.Kind, err, document)
		}
		found[meta.Kind] = append(found[meta.Kind], object)
	}
	return found
}

func load(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := loader.Load(chartPath)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func tryRender(t *testing.T, values map[string]any) (string, error) {
	t.Helper()
	loaded := load(t)
	release := chartutil.ReleaseOptions{Name: "bunscope", Namespace: "monitoring", IsInstall: true}
	// With the values schema, as helm install does.
	all, err := chartutil.ToRenderValues(loaded, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(loaded, all)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	for name, text := range files {
		if !strings.HasSuffix(name, "NOTES.txt") {
			fmt.Fprintf(&out, "---\n%s\n", text)
		}
	}
	return out.String(), nil
}

func render(t *testing.T, values string) objects {
	t.Helper()
	parsed, err := chartutil.ReadValues([]byte(values))
	if err != nil {
		t.Fatal(err)
	}
	text, err := tryRender(t, parsed)
	if err != nil {
		t.Fatalf("%s: %v", values, err)
	}
	return decode(t, text)
}

// Switches that change what is rendered; each may be on or off beside all others.
var switches = []struct {
	on   string
	kind string // made when it is on; "" = none of its own
}{
	{"serviceMonitor: {enabled: true}", "ServiceMonitor"},
	{"podMonitor: {enabled: true}", "PodMonitor"},
	{"prometheusRule: {enabled: true}", "PrometheusRule"},
	{"dashboards: {enabled: true}", ""},
	{"networkPolicy: {enabled: true}", "NetworkPolicy"},
	{"securityContext: {privileged: true}", ""},
	{"webConfig: {existingSecret: web, scheme: https}", ""},
	{"priorityClassName: system-node-critical", ""},
	{"podNames: {source: apiserver}", "ClusterRole"},
}

func TestEachCombinationOfSwitches(t *testing.T) {
	for bits := 0; bits < 1<<len(switches); bits++ {
		var lines []string
		for i, one := range switches {
			if bits>>i&1 == 1 {
				lines = append(lines, one.on)
			}
		}
		found := render(t, strings.Join(lines, "\n"))
		found.daemonSet(t)
		for i, one := range switches {
			if one.kind != "" && len(found[one.kind]) != bits>>i&1 {
				t.Fatalf("%v: %d %s", lines, len(found[one.kind]), one.kind)
			}
		}
	}
}

func TestDefaultIsCapabilitiesAlone(t *testing.T) {
	spec := render(t, "").daemonSet(t).Spec.Template.Spec
	security := spec.Containers[0].SecurityContext
	if !spec.HostPID || security.Privileged != nil && *security.Privileged {
		t.Error("wants the host's pids, and no privileges")
	}
	if fmt.Sprint(security.Capabilities.Drop) != "[ALL]" ||
		fmt.Sprint(security.Capabilities.Add) != "[BPF PERFMON SYS_PTRACE DAC_READ_SEARCH]" {
		t.Errorf("capabilities: %+v", security.Capabilities)
	}
	if !*security.ReadOnlyRootFilesystem || !*security.RunAsNonRoot {
		t.Error("the root file system is read-only, and nobody is root")
	}
	container := spec.Containers[0]
	if container.LivenessProbe.HTTPGet.Path != "/healthz" || container.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Error("probes")
	}
	if len(container.Resources.Requests) == 0 || len(spec.Tolerations) == 0 {
		t.Error("requests and tolerations")
	}
}

func TestPrivilegedNeedsNoCapabilities(t *testing.T) {
	security := render(t, "securityContext: {privileged: true}").daemonSet(t).Spec.Template.Spec.Containers[0].SecurityContext
	if !*security.Privileged || security.Capabilities != nil {
		t.Errorf("%+v", security)
	}
}

func TestClientCertificatesAreProbedByPort(t *testing.T) {
	container := render(t, "webConfig: {existingSecret: web, scheme: https, clientCertificates: true}").daemonSet(t).
		Spec.Template.Spec.Containers[0]
	if container.LivenessProbe.HTTPGet != nil || container.LivenessProbe.TCPSocket == nil {
		t.Error("kubelet has no certificate to show")
	}
}

func TestConfigurationReachesTheAgent(t *testing.T) {
	found := render(t, "config: {track: all, worker: ['*.ts']}")
	for _, object := range found["ConfigMap"] {
		text, ok := object.(*corev1.ConfigMap).Data["bunscope.yml"]
		if !ok {
			continue
		}
		var config map[string]any
		if err := yaml.Unmarshal([]byte(text), &config); err != nil || config["track"] != "all" {
			t.Errorf("%v: %v", err, config)
		}
		return
	}
	t.Error("no bunscope.yml")
}

func TestPodNamesBringTheirRights(t *testing.T) {
	for source, want := range map[string]struct{ url, resource, verb string }{
		"kubelet": {"--kubernetes.pods-url=https://$(NODE_IP):10250/pods", "nodes/pods", "get"},
		"apiserver": {"--kubernetes.pods-url=https://kubernetes.default.svc/api/v1/pods?fieldSelector=spec.nodeName=$(NODE_NAME)",
			"pods", "list"},
	} {
		found := render(t, "podNames: {source: "+source+"}\nnetworkPolicy: {enabled: true}")
		spec := found.daemonSet(t).Spec.Template.Spec
		if !*spec.AutomountServiceAccountToken {
			t.Errorf("%s: no token", source)
		}
		if !strings.Contains(strings.Join(spec.Containers[0].Args, " "), want.url) {
			t.Errorf("%s: %v", source, spec.Containers[0].Args)
		}
		// What the arguments name is there.
		if len(spec.Containers[0].Env) != 2 || spec.Containers[0].Env[0].ValueFrom.FieldRef.FieldPath != "status.hostIP" ||
			spec.Containers[0].Env[1].ValueFrom.FieldRef.FieldPath != "spec.nodeName" {
			t.Errorf("%s: %+v", source, spec.Containers[0].Env)
		}
		rules := found["ClusterRole"][0].(*rbacv1.ClusterRole).Rules
		if len(rules) != 1 || fmt.Sprint(rules[0].Resources, rules[0].Verbs) != "["+want.resource+"] ["+want.verb+"]" {
			t.Errorf("%s: %+v", source, rules)
		}
		subject := found["ClusterRoleBinding"][0].(*rbacv1.ClusterRoleBinding).Subjects[0]
		if subject.Name != spec.ServiceAccountName || subject.Namespace != "monitoring" {
			t.Errorf("%s: %+v", source, subject)
		}
		if len(found["NetworkPolicy"][0].(*networkingv1.NetworkPolicy).Spec.PolicyTypes) != 1 {
			t.Errorf("%s: may not ask", source)
		}
	}
}

func TestNobodyIsAskedByDefault(t *testing.T) {
	found := render(t, "networkPolicy: {enabled: true}")
	spec := found.daemonSet(t).Spec.Template.Spec
	if *spec.AutomountServiceAccountToken || len(spec.Containers[0].Env) != 0 || len(found["ClusterRole"]) != 0 {
		t.Errorf("%+v", spec)
	}
	if len(found["NetworkPolicy"][0].(*networkingv1.NetworkPolicy).Spec.PolicyTypes) != 2 {
		t.Error("may ask")
	}
}

func TestRulesAndDashboardsAreThoseOfDeploy(t *testing.T) {
	found := render(t, "prometheusRule: {enabled: true}\ndashboards: {enabled: true}")
	rules := found["PrometheusRule"][0].(*monitoringv1.PrometheusRule)
	want := 0
	for _, name := range []string{"recording.yml", "alerts.yml"} {
		text, err := os.ReadFile(filepath.Join("../../deploy/prometheus", name))
		if err != nil {
			t.Fatal(err)
		}
		want += strings.Count(string(text), "\n  - name: ")
	}
	if len(rules.Spec.Groups) != want {
		t.Errorf("%d groups, not %d", len(rules.Spec.Groups), want)
	}
	dashboards, _ := filepath.Glob("../../deploy/grafana/*.json")
	seen := 0
	for _, object := range found["ConfigMap"] {
		for name := range object.(*corev1.ConfigMap).Data {
			if strings.HasSuffix(name, ".json") {
				seen++
			}
		}
	}
	if seen != len(dashboards) {
		t.Errorf("%d dashboards, not %d", seen, len(dashboards))
	}
}

func TestEachAlertLinksToItsRunbook(t *testing.T) {
	for values, base := range map[string]string{
		"prometheusRule: {enabled: true}":                                            "docs/runbooks",
		"prometheusRule: {enabled: true, runbooks: 'https://wiki.test/a/runbooks/'}": "https://wiki.test/a/runbooks",
	} {
		seen := 0
		for _, group := range render(t, values)["PrometheusRule"][0].(*monitoringv1.PrometheusRule).Spec.Groups {
			for _, rule := range group.Rules {
				if rule.Alert == "" {
					continue
				}
				seen++
				if got := rule.Annotations["runbook_url"]; got != base+"/"+rule.Alert+".md" {
					t.Errorf("%s: %s", rule.Alert, got)
				}
			}
		}
		if pages, _ := filepath.Glob("../../docs/runbooks/*.md"); seen != len(pages)-1 {
			t.Errorf("%d alerts, %d pages with their index", seen, len(pages))
		}
	}
}

func TestUnknownAndWrongValuesAreRefused(t *testing.T) {
	for _, values := range []string{
		"serviceMonitors: {enabled: true}",
		"serviceMonitor: {enabled: 'yes'}",
		"service: {port: 99999999}",
		"webConfig: {scheme: ftp}",
		"podNames: {source: docker}",
		"resources: big",
	} {
		parsed, _ := chartutil.ReadValues([]byte(values))
		if _, err := tryRender(t, parsed); err == nil {
			t.Errorf("%s is taken", values)
		}
	}
}

func TestTheManifest(t *testing.T) {
	text, err := os.ReadFile(manifestPath)
	if err != nil {
		t.Fatal(err)
	}
	found := decode(t, string(text))
	byHand := found.daemonSet(t).Spec.Template.Spec.Containers[0].SecurityContext.Capabilities
	byChart := render(t, "").daemonSet(t).Spec.Template.Spec.Containers[0].SecurityContext.Capabilities
	if fmt.Sprint(byHand) != fmt.Sprint(byChart) {
		t.Errorf("%v is not the chart's %v", byHand, byChart)
	}
}
