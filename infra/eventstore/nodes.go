package eventstore

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const largestMessage = 17 << 20 // of an answer; the server's records are at most 16 MiB

var (
	errAddress = errors.New("log: the address of an EventStoreDB log is esdb://[user:password@]host:port[?tls=false], or esdb+discover://host:port,host:port… for a cluster")
	errServer  = errors.New("log: the server cannot append in batches; EventStoreDB 23.10 or newer is needed")
	errLeader  = errors.New("log: the cluster has no leader just now")
)

// Scheme says whether an address is of this log.
func Scheme(address string) bool {
	switch scheme, _, _ := strings.Cut(address, "://"); scheme {
	case "esdb", "esdb+discover", "kurrentdb", "kurrentdb+discover":
		return true
	}
	return false
}

// configuration reads an address. Errors do not repeat it: it may hold a password.
func configuration(address string, logf func(string, ...any)) (*esdb.Configuration, error) {
	if rest, ok := strings.CutPrefix(address, "kurrentdb"); ok {
		address = "esdb" + rest
	}
	conf, err := esdb.ParseConnectionString(address)
	if err != nil {
		if file := (*fs.PathError)(nil); errors.As(err, &file) {
			return nil, fmt.Errorf("log: the certificate that the address names with tlsCaFile cannot be read: %w", err)
		}
		return nil, errAddress
	}
	if err := conf.Validate(); err != nil {
		return nil, fmt.Errorf("log: the address needs userCertFile and userKeyFile, or neither")
	}
	if conf.Address == "" && len(conf.GossipSeeds) == 0 {
		return nil, errAddress
	}
	if conf.DisableTLS && conf.Username != "" {
		logf("log: the user in the address is not sent, as tls=false would show the password to the network")
	}
	return conf, nil
}

// nodes finds the node that leads, and keeps one connection to it. Only the leader says what stands at the end of the log.
type nodes struct {
	conf *esdb.Configuration
	logf func(string, ...any)

	looking chan struct{} // holds a token while somebody looks for the leader

	mu     sync.Mutex
	now    *node
	hint   string // where a node said that the leader is
	closed bool
}

type node struct {
	conn    *grpc.ClientConn
	address string
}

func newNodes(conf *esdb.Configuration, logf func(string, ...any)) *nodes {
	return &nodes{conf: conf, logf: logf, looking: make(chan struct{}, 1)}
}

// outgoing adds to a call what goes with every one.
func (n *nodes) outgoing(ctx context.Context) context.Context {
	ctx = metadata.AppendToOutgoingContext(ctx, "requires-leader", "true", "connection-name", "daicho")
	if n.conf.Username != "" && !n.conf.DisableTLS {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization",
			"Basic "+base64.StdEncoding.EncodeToString([]byte(n.conf.Username+":"+n.conf.Password)))
	}
	return ctx
}

// find answers the connection to the leader, or looks for the leader once.
func (n *nodes) find(ctx context.Context) (*node, error) {
	if now := n.current(); now != nil {
		return now, nil
	}
	select {
	case n.looking <- struct{}{}:
		defer func() { <-n.looking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if now := n.current(); now != nil {
		return now, nil
	}
	n.mu.Lock()
	hint := n.hint
	n.hint = ""
	n.mu.Unlock()
	err := errLeader
	for _, c := range n.candidates(hint) {
		var found *node
		if found, err = n.try(ctx, c, c != hint && n.cluster()); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.closed {
			_ = found.conn.Close()
			return nil, context.Canceled
		}
		n.now = found
		return found, nil
	}
	return nil, err
}

func (n *nodes) current() *node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

// cluster says whether nodes are asked where the leader is.
func (n *nodes) cluster() bool { return n.conf.DnsDiscover || len(n.conf.GossipSeeds) > 0 }

func (n *nodes) candidates(hint string) (all []string) {
	if hint != "" {
		all = append(all, hint)
	}
	for _, s := range n.conf.GossipSeeds {
		all = append(all, s.String())
	}
	if len(n.conf.GossipSeeds) == 0 {
		all = append(all, n.conf.Address)
	}
	return all
}

// try connects to a node, or to the one that it says is the leader.
func (n *nodes) try(ctx context.Context, address string, gossiping bool) (*node, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(n.conf.GossipTimeout)*time.Second)
	defer cancel()
	conn, err := n.dial(address)
	if err != nil {
		return nil, err
	}
	if gossiping {
		leader, err := leaderOf(n.outgoing(ctx), conn)
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		if leader != address {
			_ = conn.Close()
			if conn, err = n.dial(leader); err != nil {
				return nil, err
			}
			address = leader
		}
	}
	if err := able(n.outgoing(ctx), conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &node{conn, address}, nil
}

func leaderOf(ctx context.Context, conn *grpc.ClientConn) (string, error) {
	info, err := gossip.NewGossipClient(conn).Read(ctx, &shared.Empty{})
	if err != nil {
		return "", err
	}
	for _, m := range info.GetMembers() {
		if m.GetState() == gossip.MemberInfo_Leader && m.GetIsAlive() {
			return net.JoinHostPort(m.GetHttpEndPoint().GetAddress(), strconv.FormatUint(uint64(m.GetHttpEndPoint().GetPort()), 10)), nil
		}
	}
	return "", errLeader
}

// able asks whether a server can do what this adapter needs.
func able(ctx context.Context, conn *grpc.ClientConn) error {
	m, err := serverfeatures.NewServerFeaturesClient(conn).GetSupportedMethods(ctx, &shared.Empty{})
	if status.Code(err) == codes.Unimplemented {
		return errServer
	}
	if err != nil {
		return err
	}
	for _, f := range m.GetMethods() {
		if f.GetServiceName() == "event_store.client.streams.streams" && f.GetMethodName() == "batchappend" {
			return nil
		}
	}
	return errServer
}

func (n *nodes) dial(address string) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if !n.conf.DisableTLS {
		t := &tls.Config{RootCAs: n.conf.RootCAs, InsecureSkipVerify: n.conf.SkipCertificateVerification, MinVersion: tls.VersionTLS12} //nolint:gosec // tlsVerifyCert=false asks for it
		if n.conf.UserCertFile != "" {
			c, err := tls.LoadX509KeyPair(n.conf.UserCertFile, n.conf.UserKeyFile)
			if err != nil {
				return nil, fmt.Errorf("log: the user's certificate cannot be read: %w", err)
			}
			t.Certificates = []tls.Certificate{c}
		}
		transport = credentials.NewTLS(t)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: pause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
	}
	if n.conf.KeepAliveInterval >= 0 {
		options = append(options, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: n.conf.KeepAliveInterval, Timeout: n.conf.KeepAliveTimeout, PermitWithoutStream: true,
		}))
	}
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		return nil, fmt.Errorf("log: the server's address cannot be used: %w", err)
	}
	return conn, nil
}

// failed takes note that a call to a node failed. Unless the failure is the call's own, the leader is looked for anew.
func (n *nodes) failed(at *node, err error, trailer metadata.MD) {
	hint, moved := "", false
	if v := trailer.Get("exception"); len(v) > 0 && v[0] == "not-leader" {
		moved = true
		host, port := trailer.Get("leader-endpoint-host"), trailer.Get("leader-endpoint-port")
		if len(host) > 0 && len(port) > 0 {
			hint = net.JoinHostPort(host[0], port[0])
		}
	}
	if _, ok := status.FromError(err); !ok {
		return
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.Unknown, codes.Internal, codes.DeadlineExceeded, codes.Aborted:
	default:
		if !moved {
			return
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.now != at {
		return
	}
	n.now, n.hint = nil, hint
	n.logf("log: the connection is made anew (%s)", reason(err))
	_ = at.conn.Close()
}

func (n *nodes) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if n.now != nil {
		_ = n.now.conn.Close()
		n.now = nil
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) }
