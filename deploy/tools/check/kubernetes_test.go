// Package check checks the deployment files: manifests against Kubernetes' types,
// rules and dashboards against the metrics of a running Inlet.
package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// build returns the objects that `kubectl apply -k` would send. An unknown field or
// a wrong type fails the test.
func build(t *testing.T, path string) []runtime.Object {
	t.Helper()
	tree := t.TempDir()
	if err := os.CopyFS(tree, os.DirFS("../../kubernetes")); err != nil {
		t.Fatal(err)
	}

	example := filepath.Join(tree, "overlays/example/secrets.env")
	secrets, err := os.ReadFile(example + ".example")
	if err == nil {
		err = os.WriteFile(example, secrets, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(tree, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}

	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(tree, path))
	if err != nil {
		t.Fatal(err)
	}

	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		core.AddToScheme, apps.AddToScheme, batch.AddToScheme, autoscaling.AddToScheme, policy.AddToScheme,
		networking.AddToScheme, monitoring.AddToScheme, gateway.Install,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}

	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	var all []runtime.Object
	for _, resource := range built.Resources() {
		doc, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}

		object, _, err := strict.Decode(doc, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", resource.CurId(), err)
			continue
		}

		all = append(all, object)
	}

	return all
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	for path, most := range map[string]int{"base": 15, "overlays/example": 17, "with-gateway": 15} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			objects := build(t, path)
			if len(objects) < most-3 {
				t.Errorf("only %d objects", len(objects))
			}
			for _, pod := range podsOf(objects) {
				hardened(t, pod)
				references(t, objects, pod, path == "overlays/example")
			}
			selected(t, objects)
			reached(t, objects)
		})
	}
}

// reached checks that there is one way in, and that it leads to the service.
func reached(t *testing.T, objects []runtime.Object) {
	t.Helper()
	var ways []string
	port := map[int32]bool{}
	for _, object := range objects {
		switch o := object.(type) {
		case *core.Service:
			for _, p := range o.Spec.Ports {
				port[p.Port] = true
			}
		case *networking.Ingress:
			for _, path := range o.Spec.Rules[0].HTTP.Paths {
				ways = append(ways, path.Path)
				if to := path.Backend.Service; to.Name != "inlet" || to.Port.Name != "http" {
					t.Errorf("%s leads to %v", path.Path, to)
				}
			}
		case *gateway.HTTPRoute:
			for _, match := range o.Spec.Rules[0].Matches {
				ways = append(ways, *match.Path.Value)
			}
			if to := o.Spec.Rules[0].BackendRefs[0]; to.Name != "inlet" || !port[*to.Port] {
				t.Errorf("the route leads to %v", to)
			}
		}
	}

	if want := "/ /assets/ /openapi.yaml /u/ /v1/"; strings.Join(slices.Sorted(slices.Values(ways)), " ") != want {
		t.Errorf("the ways in are %q, want %s", ways, want)
	}
}

// pod is the template of a workload.
type pod struct {
	name string
	core.PodTemplateSpec
}

func podsOf(objects []runtime.Object) (pods []pod) {
	for _, object := range objects {
		switch o := object.(type) {
		case *apps.Deployment:
			pods = append(pods, pod{o.Name, o.Spec.Template})
		case *batch.Job:
			pods = append(pods, pod{o.Name, o.Spec.Template})
		}
	}

	return pods
}

// hardened checks that a pod has no needless rights.
func hardened(t *testing.T, p pod) {
	t.Helper()
	security := p.Spec.SecurityContext
	if security == nil || !isTrue(security.RunAsNonRoot) || security.SeccompProfile == nil ||
		security.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: runs as root, or any system call", p.name)
	}

	if token := p.Spec.AutomountServiceAccountToken; token == nil || *token {
		t.Errorf("%s: has a token of Kubernetes", p.name)
	}

	for _, c := range p.Spec.Containers {
		s := c.SecurityContext
		if s == nil || !isTrue(s.ReadOnlyRootFilesystem) || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
			s.Capabilities == nil || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s: a writable root, privileges or capabilities", p.name)
		}

		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			t.Errorf("%s: no limit of memory or no request of a processor", p.name)
		}

		if grace := p.Spec.TerminationGracePeriodSeconds; c.Lifecycle != nil &&
			(grace == nil || *grace < c.Lifecycle.PreStop.Sleep.Seconds+drain) {
			t.Errorf("%s: is killed before it has drained", p.name)
		}
	}

	for _, v := range p.Spec.Volumes {
		if v.EmptyDir == nil || v.EmptyDir.SizeLimit == nil {
			t.Errorf("%s: the volume %s has no bound", p.name, v.Name)
		}
	}
}

// drain bounds Inlet's shutdown, in seconds: requests (30), interrupted jobs (5),
// traces (5).
const drain = 40

func isTrue(b *bool) bool { return b != nil && *b }

// references checks that everything a pod names exists. The base has no secrets.
func references(t *testing.T, objects []runtime.Object, p pod, secrets bool) {
	t.Helper()
	there := map[string]bool{}
	for _, object := range objects {
		named := object.(meta.Object)
		there[object.GetObjectKind().GroupVersionKind().Kind+"/"+named.GetName()] = true
	}

	want := []string{"ServiceAccount/" + p.Spec.ServiceAccountName}
	for _, c := range p.Spec.Containers {
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef != nil {
				want = append(want, "ConfigMap/"+from.ConfigMapRef.Name)
			}
			if from.SecretRef != nil && secrets {
				want = append(want, "Secret/"+from.SecretRef.Name)
			}
		}
	}

	for _, name := range want {
		if !there[name] {
			t.Errorf("%s: there is no %s", p.name, name)
		}
	}
}

// selected checks that every selector selects something.
func selected(t *testing.T, objects []runtime.Object) {
	t.Helper()
	pods := podsOf(objects)
	check := func(what string, selector labels.Selector) {
		for _, p := range pods {
			if selector.Matches(labels.Set(p.Labels)) {
				return
			}
		}

		t.Errorf("%s selects no pod: %s", what, selector)
	}

	of := func(s *meta.LabelSelector) labels.Selector {
		selector, err := meta.LabelSelectorAsSelector(s)
		if err != nil {
			t.Fatal(err)
		}

		return selector
	}

	for _, object := range objects {
		switch o := object.(type) {
		case *apps.Deployment:
			check(o.Name, of(o.Spec.Selector))
		case *core.Service:
			check("the service", labels.SelectorFromSet(o.Spec.Selector))
		case *policy.PodDisruptionBudget:
			check(o.Name, of(o.Spec.Selector))
		case *networking.NetworkPolicy:
			check(o.Name, of(&o.Spec.PodSelector))
		case *monitoring.PodMonitor:
			check("the pod monitor", of(&o.Spec.Selector))
		}
	}
}

// Inlet has every deployed setting.
func TestSettingsExist(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../cmd/inlet/config.go")
	if err != nil {
		t.Fatal(err)
	}

	deployed := map[string]bool{}
	for _, object := range build(t, "overlays/example") {
		switch o := object.(type) {
		case *core.ConfigMap:
			for name := range o.Data {
				deployed[name] = true
			}
		case *core.Secret:
			for name := range o.Data {
				deployed[name] = true
			}
		case *apps.Deployment:
			for _, variable := range o.Spec.Template.Spec.Containers[0].Env {
				deployed[variable.Name] = true
			}
		}
	}

	if len(deployed) < 8 {
		t.Errorf("only %v", deployed)
	}

	for name := range deployed {
		if strings.HasPrefix(name, "INLET_") && !strings.Contains(string(source), `env:"`+name+`"`) {
			t.Errorf("Inlet has no setting %s", name)
		}
	}
}
