package estest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Options of a cluster; the zero value is one node, open to everybody on this machine.
type Options struct {
	Nodes          int    // 0 means 1
	MaxAppendSize  int    // bytes of one append; 0 means 1 MiB, as servers had it for long
	TLS            bool   // with a certificate made for this test
	User, Password string // who may read and write; needs TLS
}

// Fate is what becomes of a write that a node has taken.
type Fate int

// The fates of a write.
const (
	Stored     Fate = iota
	NotReady        // not stored, and the answer says so
	AnswerLost      // stored, and the answer is that it timed out
	CutBefore       // not stored, and the connection is gone
	CutAfter        // stored, and the connection is gone
)

var (
	errNotReady = errors.New("estest: not ready")
	errLost     = errors.New("estest: the answer was lost")
	errGone     = errors.New("estest: the connection is gone")
)

// Cluster is one log and the nodes that serve it. The first one leads.
type Cluster struct {
	t       testing.TB
	options Options
	log     *store
	nodes   []*Node
	tls     *identity

	mu     sync.Mutex
	leader int
	fate   func(stream string) Fate
}

// Node is one server of a cluster.
type Node struct {
	cluster *Cluster
	index   int
	address string
	server  *grpc.Server // nil while it is stopped; under the cluster's lock
}

// Start runs a cluster until the test ends.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c := &Cluster{t: t, options: o, log: newStore()}
	if o.TLS {
		c.tls = newIdentity(t)
	}
	for i := range max(1, o.Nodes) {
		n := &Node{cluster: c, index: i, address: "127.0.0.1:0"}
		c.nodes = append(c.nodes, n)
		n.Start()
		t.Cleanup(n.Stop)
	}
	return c
}

// URL is what a client is told: of one node its address, of several what to discover them by.
func (c *Cluster) URL() string {
	user, query := "", "?tls=false"
	if c.tls != nil {
		query = "?tls=true&tlsCaFile=" + c.tls.file
	}
	if c.options.User != "" {
		user = c.options.User + ":" + c.options.Password + "@"
	}
	var all []string
	for _, n := range c.nodes {
		all = append(all, n.address)
	}
	return "esdb://" + user + strings.Join(all, ",") + query
}

// Node is one of the nodes, by its number from 0.
func (c *Cluster) Node(i int) *Node { return c.nodes[i] }

// Address is where a node listens, also while it is stopped.
func (n *Node) Address() string { return n.address }

// Lead makes a node the leader; -1 is a cluster that has none.
func (c *Cluster) Lead(i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leader = i
}

// Fates has a function decide what becomes of each write from now on; nil: they are stored. The function may take its time.
func (c *Cluster) Fates(f func(stream string) Fate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fate = f
}

// Streams counts the events of each stream, the server's own included.
func (c *Cluster) Streams() map[string]int {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	all := make(map[string]int, len(c.log.streams))
	for s, events := range c.log.streams {
		all[s] = len(events)
	}
	return all
}

func (c *Cluster) limit() int {
	if c.options.MaxAppendSize > 0 {
		return c.options.MaxAppendSize
	}
	return 1 << 20
}

func (c *Cluster) write(stream string, expect int64, events []*record) (number, at uint64, err error) {
	c.mu.Lock()
	fate := Stored
	if f := c.fate; f != nil {
		c.mu.Unlock()
		fate = f(stream)
		c.mu.Lock()
	}
	c.mu.Unlock()
	switch fate {
	case NotReady:
		return 0, 0, errNotReady
	case CutBefore:
		return 0, 0, errGone
	}
	number, at, err = c.log.append(stream, expect, events)
	switch {
	case err != nil:
	case fate == AnswerLost:
		err = errLost
	case fate == CutAfter:
		err = errGone
	}
	return number, at, err
}

// Start has a node listen, at its old address if it had one.
func (n *Node) Start() {
	n.cluster.t.Helper()
	l, err := net.Listen("tcp", n.address)
	if err != nil {
		n.cluster.t.Fatal(err)
	}
	if at := l.Addr().String(); at != n.address { // the first time, when nobody asks for it yet
		n.address = at
	}
	options := []grpc.ServerOption{grpc.StreamInterceptor(n.stream), grpc.UnaryInterceptor(n.unary), grpc.MaxRecvMsgSize(16 << 20),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true})}
	if n.cluster.tls != nil {
		options = append(options, grpc.Creds(n.cluster.tls.credentials()))
	}
	s := grpc.NewServer(options...)
	streams.RegisterStreamsServer(s, &service{node: n})
	gossip.RegisterGossipServer(s, &gossiper{cluster: n.cluster})
	serverfeatures.RegisterServerFeaturesServer(s, features{})
	n.cluster.mu.Lock()
	n.server = s
	n.cluster.mu.Unlock()
	go func() { _ = s.Serve(l) }()
}

// Stop ends a node at once, with all that is under way.
func (n *Node) Stop() {
	n.cluster.mu.Lock()
	s := n.server
	n.server = nil
	n.cluster.mu.Unlock()
	if s != nil {
		s.Stop()
	}
}

// leads lets a call pass that this node may answer: whoever requires the leader is told where it is.
func (n *Node) leads(ctx context.Context) error {
	m, _ := metadata.FromIncomingContext(ctx)
	if v := m.Get("requires-leader"); len(v) == 0 || !strings.EqualFold(v[0], "true") {
		return nil
	}
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	switch {
	case n.cluster.leader == n.index:
		return nil
	case n.cluster.leader < 0:
		return refuse(codes.Unknown, "No leader info available in response", nil)
	}
	host, port, err := net.SplitHostPort(n.cluster.nodes[n.cluster.leader].address)
	if err != nil {
		return err
	}
	return refuse(codes.NotFound, "Leader info available",
		map[string]string{"exception": "not-leader", "leader-endpoint-host": host, "leader-endpoint-port": port})
}

// refusal is an error as the protocol carries it: a status, and trailers that say more.
type refusal struct {
	status   *status.Status
	trailers map[string]string
}

func (r refusal) Error() string { return r.status.Message() }

func refuse(code codes.Code, message string, trailers map[string]string) error {
	return refusal{status.New(code, message), trailers}
}

func (n *Node) stream(srv any, rpc grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	err := n.admits(rpc.Context())
	if err == nil {
		err = handle(srv, rpc)
	}
	var r refusal
	if errors.As(err, &r) {
		rpc.SetTrailer(metadata.New(r.trailers))
		return r.status.Err()
	}
	return err
}

func (n *Node) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	answer, err := handle(ctx, req)
	var r refusal
	if errors.As(err, &r) {
		_ = grpc.SetTrailer(ctx, metadata.New(r.trailers))
		return nil, r.status.Err()
	}
	return answer, err
}

// admits knows users: nobody named is nobody with rights, and a wrong password is no user.
func (n *Node) admits(ctx context.Context) error {
	o := n.cluster.options
	if o.User == "" {
		return nil
	}
	m, _ := metadata.FromIncomingContext(ctx)
	given := m.Get("authorization")
	switch {
	case len(given) == 0:
		return denied()
	case given[0] != "Basic "+base64.StdEncoding.EncodeToString([]byte(o.User+":"+o.Password)):
		return refuse(codes.Unauthenticated, "Unauthenticated", nil)
	}
	return nil
}

// gossiper tells who is in the cluster.
type gossiper struct {
	gossip.UnimplementedGossipServer
	cluster *Cluster
}

// Read implements the protocol.
func (g *gossiper) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	c := g.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	info := &gossip.ClusterInfo{}
	for i, n := range c.nodes {
		host, port, err := net.SplitHostPort(n.address)
		if err != nil {
			return nil, err
		}
		p, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("estest: %w", err)
		}
		state := gossip.MemberInfo_Follower
		if i == c.leader {
			state = gossip.MemberInfo_Leader
		}
		info.Members = append(info.Members, &gossip.MemberInfo{
			State: state, IsAlive: n.server != nil, HttpEndPoint: &gossip.EndPoint{Address: host, Port: uint32(p)},
		})
	}
	return info, nil
}

// features tells what this server can do.
type features struct {
	serverfeatures.UnimplementedServerFeaturesServer
}

// GetSupportedMethods implements the protocol.
func (features) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	m := &serverfeatures.SupportedMethods{EventStoreServerVersion: "24.10.6"}
	for name, has := range map[string][]string{"read": {"position", "events"}, "append": nil, "batchappend": {"deadline_duration"}} {
		m.Methods = append(m.Methods, &serverfeatures.SupportedMethod{
			ServiceName: "event_store.client.streams.streams", MethodName: name, Features: has,
		})
	}
	return m, nil
}
