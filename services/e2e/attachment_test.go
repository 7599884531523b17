package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/services/client"
)

// scanned is a collection of one scan of a document, of an upload.
func scanned(id, upload string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/rental/web","type":"daicho.collected.v1","subject":"rental:C-SCAN","time":%q,"data":{`+
		`"records":[{"key":"passport","category":"pd:PersonalDocuments","attachment":{"upload":%q}}],"purposes":[{"id":"SVC-01","basis":"contract"}],`+
		`"operation":"rental","location":"rental-db","channel":"counter","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}}`,
		id, time.Now().UTC().Format(time.RFC3339), upload)
}

func recordOf(t *testing.T, c *client.Client) contracts.DossierRecord {
	t.Helper()
	d, err := c.Dossier(context.Background(), contracts.DossierQuestion{Person: "rental:C-SCAN", Purpose: "SVC-01"})
	if err != nil || len(d.Records) == 0 {
		t.Fatalf("%+v %v", d, err)
	}
	return d.Records[len(d.Records)-1]
}

// An attachment by the commands: sent, kept over a power cut, named, looked at, gone with its record.
func TestAttachment(t *testing.T) {
	e := start(t, t.TempDir())
	content := bytes.Repeat([]byte("スキャン of a passport. "), 10_000)
	file := filepath.Join(t.TempDir(), "旅券 scan.png")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	out, exit := e.daicho("--role", "emitter", "attachment", "put", file, "--output", "json")
	var u contracts.Uploaded
	if json.Unmarshal([]byte(out), &u) != nil || exit != 0 || u.Size != int64(len(content)) {
		t.Fatalf("put: %d %s", exit, out)
	}
	e.kill()
	e.again()
	r, err := e.as("emitter").Emit(context.Background(), scanned("s1", string(u.Upload)))
	if err != nil || r[0].Status != contracts.StatusRecorded {
		t.Fatalf("%+v %v", r, err)
	}
	e.kill()
	e.again()
	if r, err := e.as("emitter").Emit(context.Background(), scanned("s1", string(u.Upload))); err != nil || r[0].Status != contracts.StatusDuplicate {
		t.Fatalf("again: %+v %v", r, err)
	}
	if r, err := e.as("emitter").Emit(context.Background(), bytes.Replace(scanned("s2", string(u.Upload)), []byte(`"passport"`), []byte(`"another"`), 1)); err != nil || r[0].Rule != "unknown_word" {
		t.Fatalf("another: %+v %v", r, err)
	}
	rec := recordOf(t, e.as("compliance"))
	shown, _ := json.Marshal(rec.Value)
	if !strings.Contains(string(shown), `"name":"旅券 scan.png"`) || !strings.Contains(string(shown), `"type":"image/png"`) || strings.Contains(string(shown), "key") {
		t.Errorf("the dossier shows %s", shown)
	}
	back := filepath.Join(t.TempDir(), "back")
	if out, exit := e.daicho("--role", "compliance", "attachment", "get", rec.ID, "--file", back); exit != 1 || out != "" {
		t.Errorf("without a purpose: %d %s", exit, out)
	}
	if out, exit := e.daicho("--role", "compliance", "attachment", "get", rec.ID, "--purpose", "SVC-01"); exit != 2 {
		t.Errorf("without a file: %d %s", exit, out)
	}
	if out, exit := e.daicho("--role", "compliance", "attachment", "get", rec.ID, "--purpose", "SVC-01", "--file", back); exit != 0 {
		t.Fatalf("get: %d %s", exit, out)
	}
	if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back: %v", len(got), err)
	}
	if out, exit := e.daicho("--role", "compliance", "attachment", "get", rec.ID, "--purpose", "DSR-01", "--file", "-"); exit != 0 || out != string(content) {
		t.Errorf("to the output: %d, %d bytes", exit, len(out))
	}
	looks := 0
	if err := e.as("admin").Replay(context.Background(), contracts.ReplayQuestion{Type: "accessed"}, func(contracts.Recorded) error { looks++; return nil }); err != nil || looks != 3 {
		t.Errorf("%d looks stand in the log: %v", looks, err)
	}
	e.verified()
	gone := fmt.Appendf(nil, `{"specversion":"1.0","id":"d1","source":"/privacy/office","type":"daicho.deleted.v1","subject":"rental:C-SCAN","time":%q,"data":{"records":["passport"],"cause":"request"}}`, time.Now().UTC().Format(time.RFC3339))
	if r, err := e.as("admin").Emit(context.Background(), gone); err != nil || r[0].Status != contracts.StatusRecorded {
		t.Fatalf("%+v %v", r, err)
	}
	files := func() (n int) {
		_ = filepath.WalkDir(filepath.Join(e.dir, "objects"), func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), "uploads.db") {
				n++
			}
			return nil
		})
		return n
	}
	for end := time.Now().Add(20 * time.Second); files() > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d objects are left", files())
		}
	}
	if _, exit := e.daicho("--role", "compliance", "attachment", "get", rec.ID, "--purpose", "SVC-01", "--file", "-"); exit != 1 {
		t.Errorf("of a record that is gone: %d", exit)
	}
	e.verified()
}

// zeros is a stream of any length.
type zeros struct{ left int64 }

func (z *zeros) Read(b []byte) (int, error) {
	n := int(min(int64(len(b)), z.left))
	clear(b[:n])
	if z.left -= int64(n); n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// peakKB is the most memory that the engine's process has had, in KiB.
func (e *engine) peakKB() int {
	e.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid))
	if err != nil {
		e.t.Skip("this machine does not tell how much memory a process has")
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				e.t.Fatal(err)
			}
			return n
		}
	}
	e.t.Skip("this machine does not tell how much memory a process has")
	return 0
}

// 200 MB over the wire, in and out, and the engine's peak of memory stays where it was.
func TestAttachmentOf200MB(t *testing.T) {
	e := start(t, t.TempDir())
	const size = 200 << 20
	ctx := context.Background()
	transfer := func(id string, n int64) {
		u, err := e.as("emitter").Upload(ctx, contracts.AttachmentInfo{Type: "audio/wav"}, &zeros{n})
		if err != nil || u.Size != n {
			t.Fatalf("%+v %v", u, err)
		}
		if r, err := e.as("emitter").Emit(ctx, bytes.Replace(scanned(id, string(u.Upload)), []byte(`"passport"`), []byte(`"`+id+`"`), 1)); err != nil || r[0].Status != contracts.StatusRecorded {
			t.Fatalf("%+v %v", r, err)
		}
		about, from, err := e.as("compliance").Attachment(ctx, contracts.AttachmentQuestion{Record: recordOf(t, e.as("compliance")).ID, Purpose: "SVC-01"})
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		if got, err := io.Copy(io.Discard, from); err != nil || got != n || about.Size != n {
			t.Fatalf("%d bytes came out of %d: %v", got, n, err)
		}
	}
	transfer("warm", 1<<20)
	before := e.peakKB()
	transfer("long", size)
	after := e.peakKB()
	t.Logf("the engine's peak of memory went from %d KiB to %d KiB", before, after)
	if after-before > 40<<10 {
		t.Errorf("the engine's peak of memory grew by %d KiB", after-before)
	}
}
