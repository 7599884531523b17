// Package clustertest runs real NATS servers for tests, each in a process of its own: one can be killed as a power cut
// would, frozen, and started again on what it left. They sync always, form a cluster where there are several, and end
// with the test.
//
// The processes are the test's own binary, started again: importing the package is all that it takes.
package clustertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	whole = "DAICHO" // the stream of a log that is not divided; those of one that is begin with it
	order = "DAICHO-ORDER"
	wait  = 60 * time.Second // for whatever servers have to agree on
)

// Options of a cluster; the zero value is three servers that let everybody in.
type Options struct {
	Nodes int    // 0 means 3; 1 is a server that is in no cluster
	Conf  string // more of the servers' configuration: users, TLS
	// Advertise gives the address at which clients are told to reach a server, instead of its own.
	Advertise func(node int, address string) string
	// Dial is how the test's own connection gets in, where not everybody may.
	Dial []nats.Option
}

// Cluster is some servers. Start makes one.
type Cluster struct {
	Nodes []*Node
	t     testing.TB
	opts  Options
}

// Node is one server.
type Node struct {
	Name    string
	Address string // host:port for clients
	monitor string
	route   string
	conf    string // file
	own     string // what it says in any case
	log     string
	t       testing.TB
	cmd     *exec.Cmd
	stdin   func() error
}

// Start runs servers, and returns when they take streams.
func Start(t testing.TB, opts Options) *Cluster {
	t.Helper()
	if opts.Nodes == 0 {
		opts.Nodes = 3
	}
	c := &Cluster{t: t, opts: opts}
	dir := t.TempDir()
	at := ports(t, 3*opts.Nodes)
	for i := range opts.Nodes {
		name := fmt.Sprintf("n%d", i+1)
		c.Nodes = append(c.Nodes, &Node{
			Name: name, Address: at[3*i], route: at[3*i+1], monitor: at[3*i+2], t: t,
			conf: filepath.Join(dir, name+".conf"), log: filepath.Join(dir, name+".log"),
		})
	}
	for i, n := range c.Nodes {
		n.own = c.configuration(i, filepath.Join(dir, n.Name))
		n.Configure(opts.Conf)
		n.Start()
	}
	t.Cleanup(func() {
		for _, n := range c.Nodes {
			n.Kill()
			if t.Failed() {
				b, _ := os.ReadFile(n.log)
				t.Logf("the end of what %s says:\n%s", n.Name, b[max(0, len(b)-3000):])
			}
		}
	})
	c.Level()
	return c
}

func (c *Cluster) configuration(i int, dir string) string {
	n := c.Nodes[i]
	var b strings.Builder
	fmt.Fprintf(&b, "server_name: %s\nlisten: %q\nhttp: %q\nlog_file: %q\n", n.Name, n.Address, n.monitor, n.log)
	fmt.Fprintf(&b, "jetstream { store_dir: %q, sync_interval: always }\n", dir)
	if c.opts.Advertise != nil {
		fmt.Fprintf(&b, "client_advertise: %q\n", c.opts.Advertise(i, n.Address))
	}
	if len(c.Nodes) > 1 {
		fmt.Fprintf(&b, "cluster {\n  name: test\n  listen: %q\n  routes: [\n", n.route)
		for _, m := range c.Nodes {
			fmt.Fprintf(&b, "    %q\n", "nats://"+m.route)
		}
		b.WriteString("  ]\n}\n")
	}
	return b.String()
}

// Configure gives a server that does not run more configuration text, in the place of Options.Conf.
func (n *Node) Configure(conf string) {
	n.t.Helper()
	if err := os.WriteFile(n.conf, []byte(n.own+conf), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// URL is the address of the log on these servers, as jetstream.Connect takes it.
func (c *Cluster) URL() string {
	var all []string
	for _, n := range c.Nodes {
		all = append(all, n.Address)
	}
	return "jetstream://" + strings.Join(all, ",")
}

// Level waits until every server that runs has all that the cluster has, streams included.
func (c *Cluster) Level() {
	c.t.Helper()
	for _, n := range c.Nodes {
		if n.cmd != nil {
			c.until("a server does not become level", func() error { return n.healthy(len(c.Nodes)) })
		}
	}
}

// Leader is the server that leads the log's stream; of a log that is divided, the stream that holds the order.
func (c *Cluster) Leader() *Node {
	c.t.Helper()
	var leader *Node
	c.until("the stream has no leader", func() error {
		streams, err := c.streams()
		if err != nil || len(streams) == 0 {
			return errors.Join(err, errors.New("no stream"))
		}
		of := streams[0]
		if slices.Contains(streams, order) {
			of = order
		}
		var info struct{ Cluster struct{ Leader string } }
		if err := c.ask("$JS.API.STREAM.INFO."+of, "", &info); err != nil {
			return err
		}
		for _, n := range c.Nodes {
			if n.Name == info.Cluster.Leader && n.cmd != nil {
				leader = n
				return nil
			}
		}
		return errors.New("the leader does not run")
	})
	return leader
}

// Empty removes the log, so that the next one to connect makes a new one.
func (c *Cluster) Empty() {
	c.t.Helper()
	c.until("the stream cannot be removed", func() error {
		var answer struct{ Error *struct{ Code int } }
		// A server that has lost its last stream removes their folder, and may do so while the next one is being made.
		stays := fmt.Sprintf(`{"name": "STAYS", "subjects": ["stays"], "num_replicas": %d}`, len(c.Nodes))
		if err := c.ask("$JS.API.STREAM.CREATE.STAYS", stays, &answer); err != nil || answer.Error != nil {
			return errors.Join(err, errors.New("no other stream"))
		}
		streams, err := c.streams()
		for _, s := range streams {
			if err = errors.Join(err, c.ask("$JS.API.STREAM.DELETE."+s, "", &answer)); err == nil && answer.Error != nil && answer.Error.Code != 404 {
				err = fmt.Errorf("code %d", answer.Error.Code)
			}
		}
		return err
	})
}

// streams are those of the log.
func (c *Cluster) streams() (log []string, err error) {
	var all struct{ Streams []string }
	err = c.ask("$JS.API.STREAM.NAMES", "", &all)
	for _, s := range all.Streams {
		if s == whole || strings.HasPrefix(s, whole+"-") {
			log = append(log, s)
		}
	}
	return log, err
}

// ask sends a request to whichever server answers.
func (c *Cluster) ask(subject, request string, answer any) error {
	var urls []string
	for _, n := range c.Nodes {
		urls = append(urls, "nats://"+n.Address)
	}
	conn, err := nats.Connect(strings.Join(urls, ","), append([]nats.Option{nats.IgnoreDiscoveredServers()}, c.opts.Dial...)...)
	if err != nil {
		return err
	}
	defer conn.Close()
	m, err := conn.Request(subject, []byte(request), 3*time.Second)
	if err != nil {
		return err
	}
	return json.Unmarshal(m.Data, answer)
}

func (c *Cluster) until(what string, done func() error) {
	c.t.Helper()
	var err error
	for end := time.Now().Add(wait); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = done(); err == nil {
			return
		}
	}
	c.t.Fatalf("%s: %v", what, err)
}

// Start runs the server, on what it left if it ran before.
func (n *Node) Start() {
	n.t.Helper()
	n.cmd = exec.Command(os.Args[0])
	n.cmd.Env = append(os.Environ(), confKey+"="+n.conf)
	n.cmd.Stderr = os.Stderr
	in, err := n.cmd.StdinPipe()
	if err == nil {
		n.stdin = in.Close
		err = n.cmd.Start()
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// Kill ends the server as a power cut would.
func (n *Node) Kill() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
	_ = n.stdin()
	n.cmd = nil
}

// healthy asks the server itself: it takes part in the cluster, knows all of it, and is level with its leaders.
func (n *Node) healthy(nodes int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := n.get(ctx, "/healthz", &struct{}{}); err != nil || nodes == 1 {
		return err
	}
	var info struct {
		Meta struct {
			Leader string
			Size   int `json:"cluster_size"`
		} `json:"meta_cluster"`
	}
	if err := n.get(ctx, "/jsz", &info); err != nil {
		return err
	}
	if info.Meta.Leader == "" || info.Meta.Size != nodes {
		return fmt.Errorf("%s knows %d of %d servers", n.Name, info.Meta.Size, nodes)
	}
	return nil
}

func (n *Node) get(ctx context.Context, path string, answer any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.monitor+path, nil)
	if err != nil {
		return err
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not well: %s", n.Name, a.Status)
	}
	return json.NewDecoder(a.Body).Decode(answer)
}

// ports are addresses that nobody listens at, below those that the system gives to outgoing connections: they are still
// free when a server comes back.
func ports(t testing.TB, n int) (free []string) {
	t.Helper()
	for range 10_000 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		defer l.Close() // until all are found, so that none is found twice
		if free = append(free, address); len(free) == n {
			return free
		}
	}
	t.Fatal("no free ports")
	return nil
}
