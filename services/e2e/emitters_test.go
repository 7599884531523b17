package e2e

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// troubled stands between emitters and an engine, and gives the first requests a fate each.
type troubled struct {
	mu       sync.Mutex
	fates    []string
	requests int
	to       string
}

func (x *troubled) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	fate := ""
	if x.requests < len(x.fates) {
		fate = x.fates[x.requests]
	}
	x.requests++
	x.mu.Unlock()
	switch fate {
	case "away":
		panic(http.ErrAbortHandler) // the connection ends
	case "starting":
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"title":"Not ready","status":503}`)
		return
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, x.to+r.URL.Path, r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	req.Header = r.Header
	res, err := http.DefaultClient.Do(req)
	if err != nil || fate == "answer lost" {
		panic(http.ErrAbortHandler)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(res.StatusCode)
	if fate == "answer cut" {
		body = body[:len(body)/2]
	}
	_, _ = w.Write(body)
}

// The sample emitters, each against an engine that is away, is starting, and whose answers are lost: everything is recorded once, what is
// refused is told and not tried again, and a second run records nothing.
func TestSampleEmitters(t *testing.T) {
	dir, err := filepath.Abs("../examples/emitters")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name    string
		command []string
	}{
		{"Go", []string{"go", "run", "./go"}},
		{"Node", []string{"node", "node/emit.mjs"}},
		{"Python", []string{"python3", "python/emit.py"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			if _, err := exec.LookPath(x.command[0]); err != nil {
				if os.Getenv("DAICHO_CI") == "1" {
					t.Fatalf("this test needs %s", x.command[0])
				}
				t.Skipf("SKIPPED, NOTHING WAS TESTED: %s is not here", x.command[0])
			}
			e := start(t, t.TempDir())
			door := &troubled{fates: []string{"away", "starting", "answer lost", "answer cut"}, to: e.url}
			server := httptest.NewServer(door)
			defer server.Close()
			emit := func(token string, orders ...string) (string, int) {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), x.command[0], x.command[1:]...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "DAICHO_URL="+server.URL, "DAICHO_TOKEN="+token)
				cmd.Stdin = strings.NewReader(strings.Join(orders, "\n") + "\n")
				var out, faults strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &faults
				err := cmd.Run()
				if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
					t.Fatal(err)
				}
				if s := out.String() + faults.String(); strings.Contains(s, "山田") || strings.Contains(s, "C-000") {
					t.Errorf("it prints what it sends: %s", s)
				}
				return out.String(), cmd.ProcessState.ExitCode()
			}
			secret := e.as("emitter").Token
			one := `{"number":"K-1","customer":"C-000001","name":"山田 花子","at":"2026-04-01T10:00:00+09:00"}`
			bad := `{"number":"K-2","customer":"","name":"山田 花子","at":"2026-04-01T10:00:00+09:00"}`
			two := `{"number":"K-3","customer":"C-000001","name":"山田 \"太郎\"","at":"2026-04-01T11:00:00+09:00"}`
			if out, code := emit(secret, one, bad, two); code != 1 || out != "duplicate\nrefused schema /subject\nrecorded\n" {
				t.Errorf("%d:\n%s", code, out)
			}
			if n := len(door.fates) + 3; door.requests != n {
				t.Errorf("%d requests, not %d", door.requests, n)
			}
			if out, code := emit(secret, one, two); code != 0 || out != "duplicate\nduplicate\n" {
				t.Errorf("again, %d:\n%s", code, out)
			}
			if out, code := emit("none", one); code == 0 || out != "" {
				t.Errorf("with a token that is none, %d:\n%s", code, out)
			}
			p, err := e.as("admin").Find(context.Background(), events.Identifier("rental:C-000001"))
			if err != nil {
				t.Fatal(err)
			}
			d, err := e.as("admin").Dossier(context.Background(), contracts.DossierQuestion{Person: string(p.Person), Purpose: "DSR-01"})
			if err != nil {
				t.Fatal(err)
			}
			values := map[any]bool{}
			for _, r := range d.Records {
				values[r.Value] = true
			}
			if len(d.Records) != 2 || !values["山田 花子"] || !values[`山田 "太郎"`] {
				t.Errorf("the dossier holds %d records: %v", len(d.Records), values)
			}
		})
	}
}
