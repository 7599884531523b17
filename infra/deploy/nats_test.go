package deploy

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// free are ports that nobody listens on.
func free(t testing.TB, n int) (all []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all
}

// natsServers begins a cluster of three real servers, each with the configuration beside, and has a place lead to them.
func (p *place) natsServers() []*server.Server {
	t := p.t
	t.Helper()
	p.shell(`cp secrets/tls.crt secrets/ca.crt; printf 'a-password' > secrets/password`)
	t.Setenv("DAICHO_LOG_PASSWORD", "a-password")
	conf, err := os.ReadFile("nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	clients, routes, monitors := free(t, 3), free(t, 3), free(t, 3)
	var hosts []string
	for i := range 3 {
		hosts = append(hosts, fmt.Sprintf("nats-%d.nats-headless.nats.svc:6222", i), routes[i], fmt.Sprintf("nats-%d.nats-headless.nats.svc:4222", i), clients[i])
	}
	var servers []*server.Server
	for i := range 3 {
		t.Setenv("NATS_NAME", fmt.Sprintf("nats-%d", i))
		mine := strings.NewReplacer(append(hosts, "0.0.0.0:4222", clients[i], "0.0.0.0:6222", routes[i], "127.0.0.1:8222", monitors[i],
			"/etc/nats", p.dir+"/secrets", "/data", fmt.Sprintf("%s/nats-%d", p.dir, i))...)
		path := filepath.Join(p.dir, fmt.Sprintf("nats-%d.conf", i))
		if err := os.WriteFile(path, []byte(mine.Replace(string(conf))), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := server.ProcessConfigFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !o.SyncAlways || !o.JetStream || o.TLSConfig == nil || o.Cluster.TLSConfig == nil {
			t.Error("the configuration leaves out what it is there for")
		}
		o.NoSigs, o.NoLog = true, true
		s, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		go s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		servers = append(servers, s)
	}
	for end := time.Now().Add(time.Minute); !servers[0].JetStreamIsCurrent() || servers[0].NumRoutes() == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the servers do not form a cluster")
		}
	}
	p.paths = append(p.paths, append(hosts, "/etc/daicho/nats", p.dir+"/secrets")...)
	return servers
}

// pod is where a pod's paths are, in a place.
func (p *place) pod() []string {
	return []string{"/var/lib/daicho/data", p.dir + "/data", "/etc/daicho/root", p.dir + "/secrets", "/etc/daicho/tls", p.dir + "/secrets"}
}

// The cluster takes the engine that the kustomization starts: over TLS, with no more rights than it is given there. When one server is gone,
// the engine goes on.
func TestOutsideLogOnAClusterOfThree(t *testing.T) {
	p := newPlace(t)
	servers := p.natsServers()
	p.serve(rendered(t, "kubernetes/outside-log").set.Spec.Template.Spec.Containers[0].Args, nil, p.pod()...)
	p.emits("first.ndjson", fmt.Sprintf(collected, 1))
	servers[2].Shutdown()
	servers[2].WaitForShutdown()
	if err := os.WriteFile(filepath.Join(p.dir, "second.ndjson"), []byte(fmt.Sprintf(collected, 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	p.shell(`for i in 1 2 3 4 5 6 7 8 9 10; do
		DAICHO_URL=` + p.url + ` DAICHO_TOKEN="$(cat data/tokens/admin)" SSL_CERT_FILE=secrets/tls.crt daicho emit second.ndjson && exit 0; sleep 1; done; exit 1`)
	if out := p.daicho("replay --type collected -o json"); strings.Count(out, `"daicho.collected.v1"`) != 2 {
		t.Errorf("the log has not both, each once:\n%s", out)
	}
	p.stop()
}
