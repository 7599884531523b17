package deploy

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// cluster is what a kustomization gives, decoded strictly: a field that Kubernetes does not know is an error.
type cluster struct {
	namespace corev1.Namespace
	set       appsv1.StatefulSet
	service   corev1.Service
	network   networkingv1.NetworkPolicy
	budget    policyv1.PodDisruptionBudget
	claim     corev1.PersistentVolumeClaim // for both of two pods; one has its own, by the set's template
}

// two says which has two pods, of which one stands by.
func two(path string) bool { return path == "kubernetes/postgres" }

func rendered(t *testing.T, path string) *cluster {
	t.Helper()
	all, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := all.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{}
	into := map[string]any{"Namespace": &c.namespace, "StatefulSet": &c.set, "Service": &c.service, "NetworkPolicy": &c.network, "PodDisruptionBudget": &c.budget}
	if two(path) {
		into["PersistentVolumeClaim"] = &c.claim
	}
	for _, one := range bytes.Split(text, []byte("\n---\n")) {
		var head struct{ Kind string }
		if err := yaml.Unmarshal(one, &head); err != nil {
			t.Fatal(err)
		}
		if into[head.Kind] == nil {
			t.Fatalf("%s has a %s, or two, which nothing here looks at", path, head.Kind)
		}
		if err := yaml.UnmarshalStrict(one, into[head.Kind]); err != nil {
			t.Errorf("%s: %s: %v", path, head.Kind, err)
		}
		delete(into, head.Kind)
	}
	if len(into) > 0 {
		t.Errorf("%s lacks %v", path, into)
	}
	return c
}

// What is rendered is for Kubernetes, fits together, and lets the pod do nothing that it does not need.
func TestKustomizations(t *testing.T) {
	for _, path := range []string{"kubernetes/base", "kubernetes/outside-log", "kubernetes/postgres"} {
		c := rendered(t, path)
		pod := c.set.Spec.Template
		for what, selector := range map[string]map[string]string{
			"set": c.set.Spec.Selector.MatchLabels, "service": c.service.Spec.Selector, "network policy": c.network.Spec.PodSelector.MatchLabels, "budget": c.budget.Spec.Selector.MatchLabels,
		} {
			if len(selector) == 0 {
				t.Errorf("%s: the %s selects nothing, or everything", path, what)
			}
			for k, v := range selector {
				if pod.Labels[k] != v {
					t.Errorf("%s: the %s does not select the pod", path, what)
				}
			}
		}
		s := pod.Spec.Containers[0]
		if p := pod.Spec.SecurityContext; !*p.RunAsNonRoot || *p.RunAsUser != 65532 || *p.FSGroup != 65532 || p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || *pod.Spec.AutomountServiceAccountToken ||
			*s.SecurityContext.AllowPrivilegeEscalation || !*s.SecurityContext.ReadOnlyRootFilesystem || !slices.Equal(s.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}) {
			t.Errorf("%s: the pod may do more than it needs", path)
		}
		pods, volume := 1, ""
		if two(path) {
			pods, volume = 2, c.standby(t)
		} else {
			volume = c.set.Spec.VolumeClaimTemplates[0].Name
		}
		if int(*c.set.Spec.Replicas) != pods {
			t.Errorf("%s: %d processes would open one vault", path, *c.set.Spec.Replicas)
		}
		for kind, probe := range map[string]*corev1.Probe{"/readyz": s.ReadinessProbe, "/healthz": s.LivenessProbe} {
			if g := probe.HTTPGet; g.Path != kind || g.Scheme != corev1.URISchemeHTTPS || g.Port.String() != s.Ports[0].Name {
				t.Errorf("%s: the probe of %s asks %+v", path, kind, g)
			}
		}
		if c.service.Spec.Ports[0].TargetPort.String() != s.Ports[0].Name || c.network.Spec.Ingress[0].Ports[0].Port.String() != s.Ports[0].Name {
			t.Errorf("%s: the service or the network policy leads to another port", path)
		}
		known(t, s.Args)
		at := func(file string) *corev1.VolumeMount {
			j := slices.IndexFunc(s.VolumeMounts, func(m corev1.VolumeMount) bool { return strings.HasPrefix(file, m.MountPath+"/") })
			if j < 0 {
				t.Fatalf("%s: %s is on no volume", path, file)
			}
			return &s.VolumeMounts[j]
		}
		mounted := func(flag string) *corev1.VolumeMount {
			i := slices.IndexFunc(s.Args, func(a string) bool { return strings.HasPrefix(a, flag+"=") })
			if i < 0 {
				t.Fatalf("%s: no %s", path, flag)
			}
			_, file, _ := strings.Cut(s.Args[i], "=")
			return at(file)
		}
		if m := mounted("--data"); m.Name != volume || m.ReadOnly {
			t.Errorf("%s: the data are not on the claim", path)
		}
		secret := func(what string, m *corev1.VolumeMount) {
			i := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
			if !m.ReadOnly || i < 0 || pod.Spec.Volumes[i].Secret == nil || *pod.Spec.Volumes[i].Secret.DefaultMode != 0o400 {
				t.Errorf("%s: %s is not from a secret that is mounted read-only", path, what)
			}
		}
		for _, flag := range []string{"--root-key", "--tls-key", "--tls-cert"} {
			secret(flag, mounted(flag))
		}
		for _, a := range s.Args { // files that addresses name
			for _, file := range regexp.MustCompile(`[?&]\w+=(/[^&]+)`).FindAllStringSubmatch(a, -1) {
				secret(file[1], at(file[1]))
			}
		}
	}
}

// standby looks at a set of two pods of which one is never ready: nothing waits for it, and both have the same data. It answers the volume's name.
func (c *cluster) standby(t *testing.T) string {
	t.Helper()
	set := c.set.Spec
	if set.PodManagementPolicy != appsv1.ParallelPodManagement || set.UpdateStrategy.Type != appsv1.OnDeleteStatefulSetStrategyType {
		t.Error("an update would wait until the pod that stands by is ready")
	}
	if n := c.budget.Spec.MaxUnavailable; n.IntValue() < int(*set.Replicas) {
		t.Error("a drain would wait until the pod that stands by is ready")
	}
	apart := set.Template.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution[0].PodAffinityTerm
	if apart.TopologyKey != corev1.LabelHostname || !maps.Equal(apart.LabelSelector.MatchLabels, set.Selector.MatchLabels) {
		t.Errorf("both pods would be on one machine: %+v", apart)
	}
	args := strings.Join(set.Template.Spec.Containers[0].Args, " ") + " "
	for _, flag := range []string{"--log=jetstream://", "--models=postgres://daicho@", "--vault=postgres://daicho@"} {
		if !strings.Contains(args, " "+flag) {
			t.Errorf("two pods would each have a store of their own: no %s", flag)
		}
	}
	if len(set.VolumeClaimTemplates) > 0 || !slices.Equal(c.claim.Spec.AccessModes, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}) {
		t.Error("the pods have not one volume")
	}
	for _, v := range set.Template.Spec.Volumes {
		if v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == c.claim.Name {
			return v.Name
		}
	}
	t.Error("the claim is on no volume")
	return ""
}

// The arguments of the pod start the engine, with its data folder to be made inside the volume.
func TestPodStartsTheEngine(t *testing.T) {
	p := newPlace(t)
	p.serve(rendered(t, "kubernetes/base").set.Spec.Template.Spec.Containers[0].Args, nil, p.pod()...)
	if status, body := p.get("/readyz"); status != 200 {
		t.Errorf("/readyz: %d %s", status, body)
	}
	p.stop()
}
