package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/daicho-dev/daicho/infra/jetstream/clustertest"
)

// cable joins the machine's network with one that holds nothing but an engine. Cut, it loses what is sent, and tells nobody.
type cable struct {
	t    *testing.T
	name string // of the other network, and the beginning of the names of both ends
	here string // the address of this end
	far  string // of the other
}

func newCable(t *testing.T) *cable {
	t.Helper()
	random := []byte(rand.Text())
	c := &cable{t: t, name: "daicho" + strings.ToLower(string(random[:6]))}
	// Of the addresses that are there for measuring devices, so that nobody else has them.
	subnet := fmt.Sprintf("198.18.%d.", random[7])
	c.here, c.far = subnet+"1", subnet+"2"
	for _, args := range []string{
		"netns add " + c.name,
		"link add " + c.name + "h type veth peer name " + c.name + "e netns " + c.name,
		"addr add " + subnet + "1/30 dev " + c.name + "h", "link set " + c.name + "h up",
		"-n " + c.name + " addr add " + subnet + "2/30 dev " + c.name + "e", "-n " + c.name + " link set " + c.name + "e up",
		"-n " + c.name + " link set lo up",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			_ = exec.Command("ip", "netns", "del", c.name).Run()
			t.Skipf("SKIPPED, NOTHING WAS TESTED: no network of one's own can be made here (ip %s: %v %s)", args, err, out)
		}
	}
	t.Cleanup(func() { c.ip("netns", "del", c.name) })
	return c
}

func (c *cable) ip(args ...string) {
	c.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		c.t.Fatalf("ip %v: %v %s", args, err, out)
	}
}

func (c *cable) cut()  { c.t.Helper(); c.ip("link", "set", c.name+"h", "down") }
func (c *cable) mend() { c.t.Helper(); c.ip("link", "set", c.name+"h", "up") }

// nobody is a hardware address at which nobody is: what is sent there arrives nowhere, and nobody is told.
const nobody = "02:00:00:00:00:99"

// Each cuts one way only, and mends it: what the engine sends, or what is sent to it.
func (c *cable) cutThere() {
	c.t.Helper()
	c.ip("-n", c.name, "neigh", "replace", c.here, "lladdr", nobody, "dev", c.name+"e", "nud", "permanent")
}

func (c *cable) mendThere() {
	c.t.Helper()
	c.ip("-n", c.name, "neigh", "del", c.here, "dev", c.name+"e")
}

func (c *cable) cutBack() {
	c.t.Helper()
	c.ip("neigh", "replace", c.far, "lladdr", nobody, "dev", c.name+"h", "nud", "permanent")
}

func (c *cable) mendBack() { c.t.Helper(); c.ip("neigh", "del", c.far, "dev", c.name+"h") }

// carry has a server of this machine's reached from the other end, and answers where.
func (c *cable) carry(target string) (address string) {
	c.t.Helper()
	l, err := net.Listen("tcp", c.here+":0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", target)
			if err != nil {
				_ = from.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
				go func() {
					_, _ = io.Copy(way[0], way[1])
					_, _ = from.Close(), to.Close()
				}()
			}
		}
	}()
	return l.Addr().String()
}

// client asks who listens in the other network, past the cable: it dials from there.
func (c *cable) client() *http.Client {
	dial := func(_ context.Context, network, address string) (net.Conn, error) {
		runtime.LockOSThread() // and it is left locked where it does not come back, so that nobody else gets it
		back, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return nil, err
		}
		defer back.Close()
		there, err := os.Open(filepath.Join("/run/netns", c.name))
		if err != nil {
			return nil, err
		}
		defer there.Close()
		if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
			return nil, err
		}
		conn, failed := (&net.Dialer{Timeout: 10 * time.Second}).Dial(network, address) // one address: it is dialled by this very thread
		if err := unix.Setns(int(back.Fd()), unix.CLONE_NEWNET); err != nil {
			return nil, err
		}
		runtime.UnlockOSThread()
		return conn, failed
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial}}
}

// takes sends lines until they are taken, and answers how often they were not.
func (e *engine) takes(lines [][]byte) (refused int) {
	e.t.Helper()
	eventually(e.t, "lines to be taken", func() error {
		_, err := send(e.as("admin"), lines, 50)
		if err != nil {
			refused++
		}
		return err
	})
	return refused
}

func (e *engine) healthy(want int) {
	e.t.Helper()
	eventually(e.t, fmt.Sprintf("/healthz to answer %d", want), func() error {
		res, err := e.http.Get(e.url + "/healthz")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if res.StatusCode != want {
			err = errors.Join(err, fmt.Errorf("%d: %s", res.StatusCode, b))
		}
		return err
	})
}

// The network between the engine and its log is cut, so that nothing arrives and nobody is told: for a moment, for some seconds, and until the
// engine says that it has lost its log. With the network back it goes on by itself, and what stands at the end is what an undisturbed run gives.
func TestACutNetworkLosesNothing(t *testing.T) {
	long(t, "the engine finds out by itself that nothing arrives any more, which takes it a while")
	cable := newCable(t)
	lines := year(t)[:2000]
	ids, asOf, want := undisturbed(t, lines)

	server := clustertest.Start(t, clustertest.Options{Nodes: 1})
	e := &engine{t: t, path: binary, dir: t.TempDir(), out: &output{}, within: []string{"ip", "netns", "exec", cable.name}, http: cable.client()}
	e.log = "jetstream://" + cable.carry(server.Nodes[0].Address) + "?tls=false"
	e.args = []string{"--models", "sqlite", "--vault", "sqlite"}
	e.launch()
	e.ready()
	t.Cleanup(e.kill)
	refused := e.takes(lines[:300])
	for i, gone := range []time.Duration{200 * time.Millisecond, time.Second, 4 * time.Second} {
		mended := make(chan struct{})
		go func() {
			defer close(mended)
			time.Sleep(10 * time.Millisecond) // in the middle of what is sent now
			cable.cut()
			time.Sleep(gone)
			cable.mend()
		}()
		began := time.Now()
		refused += e.takes(lines[300+i*400 : 700+i*400])
		if took := time.Since(began); took < gone {
			t.Errorf("too little happened: while the network was gone for %v, everything was taken in %v", gone, took)
		}
		<-mended
	}
	cable.cut()
	c := e.as("admin")
	if _, err := send(c, lines[1500:], 50); err == nil {
		t.Error("events are taken without a log")
	}
	e.healthy(http.StatusServiceUnavailable)
	cable.mend()
	e.healthy(http.StatusOK)
	e.takes(lines[1500:])
	t.Logf("%d sendings were not answered with a receipt during the short cuts", refused)

	if n, err := send(e.as("admin"), lines, 1000); err != nil || n.Recorded != 0 {
		t.Errorf("sent again: %+v (%v)", n, err)
	}
	e.grown()
	if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
		t.Errorf("the end state differs from an undisturbed run's:\n%s", differ(want, got))
	}
	e.verified()
}
