package attachments

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/attachments/stream"
	"github.com/daicho-dev/daicho/services/intake"
)

func code(err error) string {
	var p *contracts.Problem
	if errors.As(err, &p) {
		return p.Code + " " + p.Rule
	}
	return ""
}

func TestAnAttachmentGoesThrough(t *testing.T) {
	w := newWorld(t)
	u := w.upload(emitter, "録音.wav", "the call")
	if u.Size != 8 || u.Digest != "sha256:40b7bbb5b5d674fcde4e62b900d1f3461e1d7873f484f2acd67901fc110c8ee1" || time.Until(u.Expires).Round(time.Hour) != 24*time.Hour {
		t.Errorf("%+v", u)
	}
	r := w.must(emitter, w.event("collected", scan1(u.Upload)))
	sealed := w.dossier(contracts.DossierQuestion{Sealed: true})
	if len(sealed.Records) != 1 || sealed.Records[0].Value != nil || len(sealed.Looks) != 0 {
		t.Fatalf("sealed: %+v", sealed)
	}
	record := sealed.Records[0].ID
	shown, _ := json.Marshal(w.dossier(contracts.DossierQuestion{Purpose: "SVC-01"}).Records[0].Value)
	if string(shown) != `{"attachment":{"name":"録音.wav","type":"audio/wav","size":8,"digest":"`+u.Digest+`"}}` {
		t.Errorf("the dossier shows %s", shown)
	}
	about, got, err := w.open(record)
	if err != nil || got != "the call" || about.Name != "録音.wav" || about.Type != "audio/wav" || about.Size != 8 || about.Digest != u.Digest {
		t.Errorf("opened %+v %q %v", about, got, err)
	}
	looks := w.dossier(contracts.DossierQuestion{Sealed: true}).Looks
	if len(looks) != 2 || looks[1].Purpose != "SVC-01" || len(looks[1].Categories) != 1 || looks[1].Categories[0] != "pd:PersonalDocuments" {
		t.Errorf("looks: %+v", looks)
	}
	if r.Person == "" || w.rows() != 1 {
		t.Errorf("%+v, %d rows", r, w.rows())
	}
	if err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if keys, err := w.vault.Keys(t.Context(), []events.Stream{ownerOf(u.Upload)}); err != nil || keys[0] != nil || w.rows() != 0 || len(w.stored()) != 1 {
		t.Errorf("after the claim the upload's own key is %v (%v), %d rows, %v", keys, err, w.rows(), w.stored())
	}
	if _, got, err := w.open(record); err != nil || got != "the call" {
		t.Errorf("after the sweep: %q %v", got, err)
	}
	if c, err := w.Check(t.Context()); err != nil || !c.OK || c.Count != 1 {
		t.Errorf("%+v %v", c, err)
	}
	_ = w.objects.Delete(t.Context(), w.stored()[0])
	if c, err := w.Check(t.Context()); err != nil || c.OK {
		t.Errorf("an object is missing, and the check says %+v %v", c, err)
	}
}

func TestALookIsForAPurposeAndByPermittedPeople(t *testing.T) {
	w := newWorld(t)
	w.must(emitter, w.event("collected", scan1(w.upload(emitter, "", "x").Upload)))
	record := w.dossier(contracts.DossierQuestion{Sealed: true}).Records[0].ID
	person, _, _ := strings.Cut(record, ".")
	for _, x := range []struct {
		by               intake.Caller
		record, purpose  string
		request, problem string
	}{
		{emitter, record, "SVC-01", "", "role "},
		{intake.Caller{Role: "auditor", Holder: "staff:a"}, record, "SVC-01", "", "role "},
		{intake.Caller{Role: "responder", Holder: "staff:r"}, record, "SVC-01", "", "role "},
		{compliance, record, "", "", "question "},
		{compliance, record, "SVC-99", "", "question "},
		{compliance, record, "DM-02", "", "refused purpose_not_bound"},
		{compliance, person + ".2", "SVC-01", "", "not_found "},
		{compliance, person, "SVC-01", "", "question "},
		{compliance, "rental:C-1.1", "SVC-01", "", "question "},
		{compliance, record, "DSR-01", "", ""},
		{admin, record, "", "r-1", ""},
	} {
		before := len(w.dossier(contracts.DossierQuestion{Sealed: true}).Looks)
		_, r, err := w.Attachment(as(t.Context(), x.by), contracts.AttachmentQuestion{Record: x.record, Purpose: events.Word(x.purpose), Request: events.ID(x.request)})
		if err == nil {
			_ = r.Close()
		}
		looks := len(w.dossier(contracts.DossierQuestion{Sealed: true}).Looks) - before
		if code(err) != x.problem || (looks == 1) != (x.problem == "") {
			t.Errorf("%+v: %v, %d looks", x, err, looks)
		}
	}
}

// A record that holds a plain value is no attachment, whatever the value looks like.
func TestAValueIsNoAttachment(t *testing.T) {
	w := newWorld(t)
	forged := `{"name":"n","type":"t","size":1,"digest":"d","object":"o","key":"a2V5"}`
	w.must(emitter, w.event("collected", strings.Replace(scan1("u"), `"attachment":{"upload":"u"}`, `"value":`+forged, 1)))
	d := w.dossier(contracts.DossierQuestion{Purpose: "SVC-01"})
	if b, _ := json.Marshal(d.Records[0].Value); string(b) != forged {
		t.Errorf("shown as %s", b)
	}
	if _, _, err := w.open(d.Records[0].ID); code(err) != "not_found " {
		t.Error(err)
	}
}

func TestWhoUploadsAndWhat(t *testing.T) {
	w := newWorld(t)
	for _, x := range []struct {
		by      events.Word
		about   contracts.AttachmentInfo
		problem string
	}{
		{"auditor", contracts.AttachmentInfo{}, "role "},
		{"", contracts.AttachmentInfo{}, "role "},
		{"emitter", contracts.AttachmentInfo{Type: "no type"}, "question "},
		{"emitter", contracts.AttachmentInfo{Name: "a/b"}, "question "},
		{"emitter", contracts.AttachmentInfo{Name: "a\nb"}, "question "},
		{"emitter", contracts.AttachmentInfo{Name: strings.Repeat("a", 256)}, "question "},
		{"emitter", contracts.AttachmentInfo{Type: "text/plain; charset=utf-8", Name: "a b.txt"}, ""},
		{"emitter", contracts.AttachmentInfo{}, ""},
	} {
		_, err := w.Upload(as(t.Context(), intake.Caller{Role: x.by, Holder: "staff:x"}), x.about, strings.NewReader(""))
		if code(err) != x.problem || (err == nil) != (x.problem == "") {
			t.Errorf("%+v: %v", x, err)
		}
	}
	if len(w.stored()) != 2 || w.rows() != 2 {
		t.Errorf("%v, %d rows", w.stored(), w.rows())
	}
}

// What ends early, or is given up, leaves nothing.
func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("the line")
	if _, err := w.Upload(as(t.Context(), emitter), contracts.AttachmentInfo{}, io.MultiReader(strings.NewReader(strings.Repeat("x", 300_000)), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(as(t.Context(), emitter))
	if _, err := w.Upload(ctx, contracts.AttachmentInfo{}, readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF })); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Join(w.dir, "objects", "begun")); len(w.stored()) != 0 || len(left) != 0 || w.rows() != 0 {
		t.Errorf("left are %v, %v, %d rows", w.stored(), left, w.rows())
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestOneUploadOneRecord(t *testing.T) {
	w := newWorld(t)
	u := w.upload(emitter, "", "x")
	if r := w.submit(emitter, w.event("collected", scan1(u.Upload, u.Upload)))[0]; r.Rule != "unknown_word" || r.Field != "/data/records/1/attachment/upload" {
		t.Errorf("twice in one event: %+v", r)
	}
	// Ten different events, at once, about one person and in several groups.
	var wg sync.WaitGroup
	var mu sync.Mutex
	var recorded []intake.Submission
	for range 10 {
		s := w.event("collected", scan1(u.Upload))
		wg.Go(func() {
			out, err := w.gateway.Submit(t.Context(), emitter, []intake.Submission{s})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Error(err)
			case out[0].Status == contracts.StatusRecorded:
				recorded = append(recorded, s)
			case out[0].Rule != "unknown_word":
				t.Errorf("%+v", out[0])
			}
		})
	}
	wg.Wait()
	if len(recorded) != 1 {
		t.Fatalf("%d events have the upload", len(recorded))
	}
	// About somebody else, and after the sweep as well.
	other := func() intake.Submission {
		s := w.event("collected", scan1(u.Upload))
		s.Subject = "rental:C-2"
		return s
	}
	for range 2 {
		if r := w.submit(emitter, other())[0]; r.Rule != "unknown_word" {
			t.Errorf("about another: %+v", r)
		}
		again := intake.ReadStructured([]byte(`{"specversion":"1.0","id":"` + recorded[0].ID + `","source":"/callcenter/pbx","type":"daicho.collected.v1","subject":"rental:C-1","time":"2026-01-01T00:00:00Z","data":` + scan1(u.Upload) + `}`))
		if r := w.submit(emitter, again)[0]; r.Status != contracts.StatusDuplicate {
			t.Errorf("the same again: %+v", r)
		}
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.dossier(contracts.DossierQuestion{Sealed: true}).Records); n != 1 {
		t.Errorf("there are %d records", n)
	}
}

func TestAnothersUploadIsUnknown(t *testing.T) {
	w := newWorld(t)
	u := w.upload(emitter, "", "x")
	if r := w.submit(stranger, w.event("collected", scan1(u.Upload)))[0]; r.Rule != "unknown_word" {
		t.Errorf("%+v", r)
	}
	w.must(admin, w.event("collected", scan1(u.Upload))) // who may write under every source
	if r := w.submit(emitter, w.event("collected", scan1("nothing")))[0]; r.Rule != "unknown_word" || r.Field != "/data/records/0/attachment/upload" || !strings.Contains(r.Text, "upload") {
		t.Errorf("%+v", r)
	}
}

// A crash after the claim leaves the upload to the same event, sent again, and to no other; or to the sweep.
func TestClaimedAndNotRecorded(t *testing.T) {
	w := newWorld(t)
	u := w.upload(emitter, "", "x")
	by := w.vault.Peppered("upload", "/callcenter/pbx\x00crashed\x00rental:C-1")
	if _, ok, err := w.Claim(t.Context(), u.Upload, emitter, "/callcenter/pbx", by); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if r := w.submit(emitter, w.event("collected", scan1(u.Upload)))[0]; r.Rule != "unknown_word" {
		t.Errorf("another event: %+v", r)
	}
	if err := w.Sweep(t.Context()); err != nil || w.rows() != 1 {
		t.Fatalf("%v, %d rows", err, w.rows())
	}
	w.must(emitter, w.event("collected", scan1(u.Upload), "crashed"))
	// Recorded, and nothing more of it done yet, it is not lost when its time has passed.
	w.ahead.Store(int64(contracts.UploadKept + grace))
	if err := w.Sweep(t.Context()); err != nil || w.rows() != 0 {
		t.Fatalf("%v, %d rows", err, w.rows())
	}
	if _, got, err := w.open(w.dossier(contracts.DossierQuestion{Sealed: true}).Records[0].ID); err != nil || got != "x" {
		t.Errorf("%q %v", got, err)
	}
}

// A store of uploads that was put back from a copy shows as waiting what a record has; nobody gets it twice.
func TestAnOldStoreOfUploads(t *testing.T) {
	w := newWorld(t)
	u := w.upload(emitter, "", "x")
	w.must(emitter, w.event("collected", scan1(u.Upload)))
	if err := w.waiting.release(t.Context(), u.Upload, w.vault.Peppered("upload", "/callcenter/pbx\x00e1\x00rental:C-1")); err != nil {
		t.Fatal(err)
	}
	head, _ := w.log.Head(t.Context())
	if err := w.attached.Level(t.Context(), head); err != nil {
		t.Fatal(err)
	}
	if r := w.submit(emitter, w.event("collected", scan1(u.Upload)))[0]; r.Rule != "unknown_word" {
		t.Errorf("%+v", r)
	}
}

func TestUnclaimedIsGoneAfterADay(t *testing.T) {
	w := newWorld(t)
	u := w.upload(emitter, "", "x")
	w.ahead.Store(int64(contracts.UploadKept - time.Minute))
	if err := w.Sweep(t.Context()); err != nil || w.rows() != 1 || len(w.stored()) != 1 {
		t.Fatalf("a minute before: %v, %d rows", err, w.rows())
	}
	w.ahead.Store(int64(contracts.UploadKept))
	if r := w.submit(emitter, w.event("collected", scan1(u.Upload)))[0]; r.Rule != "unknown_word" {
		t.Errorf("%+v", r)
	}
	w.ahead.Store(int64(contracts.UploadKept + grace))
	if err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, err := w.vault.Keys(t.Context(), []events.Stream{ownerOf(u.Upload)})
	if err != nil || keys[0] != nil || w.rows() != 0 || len(w.stored()) != 0 {
		t.Errorf("left are %v %v, %d rows, %v", keys, err, w.rows(), w.stored())
	}
}

// A refused event gives the upload back, except where nothing may be kept of what it brought.
func TestRefused(t *testing.T) {
	w := newWorld(t)
	u := w.upload(emitter, "", "x")
	if r := w.submit(emitter, w.event("collected", strings.Replace(scan1(u.Upload), "SVC-01", "SVC-99", 1)))[0]; r.Rule != "unknown_purpose" {
		t.Fatalf("%+v", r)
	}
	w.must(emitter, w.event("collected", scan1(u.Upload)))

	u = w.upload(emitter, "", "of a minor")
	minor := strings.Replace(scan1(u.Upload), `"country":"JP"`, `"country":"JP","birthdate":"2020-01-01"`, 1)
	if r := w.submit(emitter, w.event("collected", minor))[0]; r.Rule != "minor" {
		t.Fatalf("%+v", r)
	}
	keys, err := w.vault.Keys(t.Context(), []events.Stream{ownerOf(u.Upload)})
	if err != nil || keys[0] != nil || len(w.stored()) != 1 {
		t.Errorf("of what may not be kept there are %v %v %v", keys, err, w.stored())
	}
}

// However a record ends, its object ends with it, and what copies there are of the object open no more.
func TestGoneWithTheRecord(t *testing.T) {
	for name, end := range map[string]struct {
		events []string // type and data, in turn
		last   string   // what destroys it
	}{
		"deleted":              {nil, `deleted {"records":["KEY"],"cause":"request"}`},
		"the person forgotten": {nil, `deleted {"person":true,"cause":"request"}`},
		"corrected by a value": {nil, `corrected {"record":"KEY","value":"seen, and thrown away"}`},
		"released from a hold": {[]string{`hold_placed {"case":"L-1","records":["KEY"]}`, `corrected {"record":"KEY","value":"v"}`}, `hold_released {"case":"L-1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			u := w.upload(emitter, "", "the content")
			r := w.must(emitter, w.event("collected", scan1(u.Upload)))
			if err := w.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			record := w.dossier(contracts.DossierQuestion{Sealed: true}).Records[0].ID
			sealed, err := w.register.Attached(as(t.Context(), compliance), contracts.AttachmentQuestion{Record: record, Purpose: "SVC-01"})
			if err != nil {
				t.Fatal(err)
			}
			copied := read(t, w.objects, sealed.Object)
			tell := func(line string) {
				typ, data, _ := strings.Cut(strings.Replace(line, "KEY", "scan/"+string(u.Upload)+"/0", 1), " ")
				w.must(admin, w.event(typ, data))
			}
			for _, line := range end.events {
				tell(line)
				time.Sleep(50 * time.Millisecond)
				if len(w.stored()) != 1 {
					t.Fatalf("it is gone after %s", line)
				}
			}
			var history []events.Event
			for batch := range w.log.Scan(t.Context(), 0, contracts.Filter{}) {
				history = append(history, batch...)
			}
			tell(end.last)
			eventually(t, "no object is left", func() bool { return len(w.stored()) == 0 })
			if _, _, err := w.open(record); err == nil {
				t.Error("it is still given")
			}
			// Everything that is left on disk and in the log, with the root key, a copy of the object beside it.
			keys, err := w.vault.Keys(t.Context(), []events.Stream{events.PersonStream(r.Person), ownerOf(u.Upload)})
			if err != nil || keys[1] != nil {
				t.Fatal(keys, err)
			}
			for i := range history {
				f, err := events.Decode(&history[i])
				if err != nil {
					t.Fatal(err)
				}
				if c, ok := f.(*events.Collected); ok && keys[0] != nil {
					x := c.Records[0].Value
					if _, err := keys[0].Open(x.Ordinal(), contracts.Bound{Type: history[i].Type, Category: "pd:PersonalDocuments"}, x.Box()); !errors.Is(err, contracts.ErrDestroyed) {
						t.Errorf("the content key opens: %v", err)
					}
				}
			}
			// (With the key, that copy would open: the test looks at the right bytes.)
			if s, err := stream.NewReader(strings.NewReader(copied), sealed.Key); err != nil {
				t.Error(err)
			} else if b, err := io.ReadAll(s); err != nil || string(b) != "the content" {
				t.Errorf("%q %v", b, err)
			}
			// A folder of objects that is put back from a copy is cleaned.
			o, err := w.objects.Create(t.Context(), sealed.Object)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(o, copied)
			if err := o.Commit(); err != nil {
				t.Fatal(err)
			}
			w.swept = time.Time{}
			if err := w.Sweep(t.Context()); err != nil || len(w.stored()) != 0 {
				t.Errorf("put back, it stays: %v %v", w.stored(), err)
			}
		})
	}
}

func read(t *testing.T, s contracts.Objects, name string) string {
	t.Helper()
	r, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The sweep removes what nothing names once it is a day old, and nothing else.
func TestOrphans(t *testing.T) {
	w := newWorld(t)
	w.must(emitter, w.event("collected", scan1(w.upload(emitter, "", "claimed").Upload)))
	w.upload(emitter, "", "waiting")
	o, _ := w.objects.Create(t.Context(), "neveranswered")
	_ = o.Commit()
	if err := w.Sweep(t.Context()); err != nil || len(w.stored()) != 3 {
		t.Fatalf("%v %v", w.stored(), err)
	}
	w.ahead.Store(int64(contracts.UploadKept + grace + time.Second))
	if err := w.Sweep(t.Context()); err != nil || len(w.stored()) != 1 || w.rows() != 0 {
		t.Errorf("%v, %d rows, %v", w.stored(), w.rows(), err)
	}
	if _, got, err := w.open(w.dossier(contracts.DossierQuestion{Sealed: true}).Records[0].ID); err != nil || got != "claimed" {
		t.Errorf("%q %v", got, err)
	}
}

// Damage on the medium is never given for the content.
func TestDamagedOnDisk(t *testing.T) {
	w := newWorld(t)
	w.must(emitter, w.event("collected", scan1(w.upload(emitter, "", strings.Repeat("content ", 20_000)).Upload)))
	record := w.dossier(contracts.DossierQuestion{Sealed: true}).Records[0].ID
	name := w.stored()[0]
	path := filepath.Join(w.dir, "objects", name[:2], name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, damaged := range map[string][]byte{
		"cut at a chunk": whole[:8+65536+16], "cut": whole[:len(whole)-1], "empty": nil, "a bit": append(append([]byte{}, whole[:70_000]...), append([]byte{whole[70_000] ^ 1}, whole[70_001:]...)...),
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.open(record); !errors.Is(err, stream.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The content key is in no answer and nowhere on disk in the clear, nor is the name or the content.
func TestTheKeyIsInNoAnswer(t *testing.T) {
	w := newWorld(t)
	w.must(emitter, w.event("collected", scan1(w.upload(emitter, "name-of-the-file.wav", "content of the file").Upload)))
	w.upload(emitter, "name-of-the-file.wav", "content of the file") // and one that waits
	record := w.dossier(contracts.DossierQuestion{Sealed: true}).Records[0].ID
	sealed, err := w.register.Attached(as(t.Context(), compliance), contracts.AttachmentQuestion{Record: record, Purpose: "SVC-01"})
	if err != nil {
		t.Fatal(err)
	}
	var answers strings.Builder
	add := func(v any, err error) {
		b, marshalErr := json.Marshal(v)
		if err != nil || marshalErr != nil {
			t.Fatal(err, marshalErr)
		}
		answers.Write(b)
	}
	ctx := as(t.Context(), admin)
	for _, purpose := range []events.Word{"SVC-01", "DSR-01"} {
		add(w.dossier(contracts.DossierQuestion{Purpose: purpose}), nil)
	}
	person, _, _ := strings.Cut(record, ".")
	add(w.register.History(ctx, person))
	add(w.register.Explain(ctx, record))
	about, _, err := w.open(record)
	add(about, err)
	if err := w.register.Replay(ctx, contracts.ReplayQuestion{}, func(r contracts.Recorded) error { add(r.Data, nil); return nil }); err != nil {
		t.Fatal(err)
	}
	key64 := base64.StdEncoding.EncodeToString(sealed.Key)
	if strings.Contains(answers.String(), key64[:20]) {
		t.Error("the content key is in an answer")
	}
	_ = filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, clear := range []string{string(sealed.Key), key64, "name-of-the-file", "content of the file"} {
			if strings.Contains(string(b), clear) {
				t.Errorf("%s holds something clear", strings.TrimPrefix(path, w.dir))
			}
		}
		return err
	})
}
