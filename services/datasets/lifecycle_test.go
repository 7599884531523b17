package datasets

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
)

func TestS69_ADatasetIsPublishedBeforeItIsUsed(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	d := w.make()
	use := contracts.DatasetUse{Purpose: "SVC-07"}
	_, err := w.UseDataset(w.clerk(), d.ID, use)
	refusedAs(t, "used before its items are published", err, "not_permitted", "/data/dataset")
	_, from, err := w.DatasetFile(w.clerk(), d.ID, use)
	refusedAs(t, "its file before its items are published", err, "not_permitted", "/data/dataset")
	if from != nil {
		t.Error("and yet something is given")
	}
	if o := w.sentence("S69"); o.State != "unproved" {
		t.Errorf("%+v", o)
	}
	if p := w.publish(d.ID); p.State != "published" || p.Published == nil || len(p.Methods) != 0 {
		t.Errorf("%+v", p)
	}
	if u, err := w.UseDataset(w.clerk(), d.ID, use); err != nil || u.Uses != 1 {
		t.Errorf("%+v %v", u, err)
	}
	w.rows(d.ID, csvFormat)
	if now, err := w.Dataset(w.clerk(), d.ID); err != nil || now.Uses != 2 {
		t.Errorf("a file leaves without a recorded use: %d uses, %v", now.Uses, err)
	}
	_, err = w.UseDataset(w.clerk(), d.ID, contracts.DatasetUse{Purpose: "SVC-99"})
	refusedAs(t, "a use for an unknown purpose", err, "unknown_purpose", "/data/purpose")
	if o := w.sentence("S69"); o.State != "kept" {
		t.Errorf("%+v", o)
	}
}

func TestS69_WhatIsNotPublishedWithoutDelayIsAGap(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	d, late := w.make(), w.make()
	w.publish(d.ID)
	if o := w.sentence("S69"); o.State != "kept" {
		t.Errorf("%+v", o)
	}
	w.ahead.Store(int64(Promptly + time.Hour))
	if o := w.sentence("S69"); o.State != "gap" || !strings.Contains(strings.Join(o.Caveats, " "), string(late.ID)) || strings.Contains(strings.Join(o.Caveats, " "), string(d.ID)) {
		t.Errorf("%+v", o)
	}
	if _, err := w.DestroyDataset(w.clerk(), late.ID); err != nil {
		t.Fatal(err)
	}
	if o := w.sentence("S69"); o.State != "kept" {
		t.Errorf("once it is destroyed: %+v", o)
	}
}

func TestS70_AJoinIsRefusedAndRecorded(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	d, other := w.make(), w.make(`"time":"half"`, `"time":"year"`)
	w.publish(d.ID)
	if o := w.sentence("S70"); o.State != "unproved" {
		t.Errorf("%+v", o)
	}
	tries := []func() error{
		func() error {
			return w.JoinDataset(w.clerk(), d.ID, contracts.DatasetJoin{With: []events.Word{"pd:Name", "pd:EmailAddress"}, Purpose: "SVC-07"})
		},
		func() error {
			return w.JoinDataset(w.clerk(), d.ID, contracts.DatasetJoin{With: []events.Word{events.Word(other.ID)}})
		},
		func() error {
			return w.JoinDataset(w.clerk(), d.ID, contracts.DatasetJoin{With: []events.Word{"canary-of-a-table"}, Purpose: "no purpose"})
		},
		func() error {
			_, err := w.UseDataset(w.clerk(), d.ID, contracts.DatasetUse{Purpose: "SVC-07", With: []events.Word{"pd:Name"}})
			return err
		},
		func() error {
			_, from, err := w.DatasetFile(w.clerk(), d.ID, contracts.DatasetUse{Purpose: "SVC-07", With: []events.Word{"pd:Name"}})
			if from != nil {
				t.Error("a file is given for a join")
			}
			return err
		},
		func() error { // at the purpose gate, by an emitter
			gate := register.WithCaller(t.Context(), intake.Caller{Role: "emitter", Holder: "staff:shop", Sources: []string{"/sales"}})
			_, err := w.register.Use(gate, contracts.UseQuestion{Person: "sales:S-1", Purpose: "SVC-07", Categories: []events.Word{"pd:Name"}, By: "staff:shop", Dataset: d.ID})
			return err
		},
	}
	for i, try := range tries {
		refusedAs(t, "a join", try(), "not_permitted", "/with")
		if now, _ := w.Dataset(w.clerk(), d.ID); now.Joins != i+1 || now.Uses != 0 {
			t.Errorf("try %d: %d joins and %d uses are recorded", i, now.Joins, now.Uses)
		}
	}
	if n := w.history("used"); n != 0 {
		t.Errorf("%d uses of the person are recorded", n)
	}
	for batch, err := range w.Log.Scan(t.Context(), 0, contracts.Filter{Kinds: []string{"dataset", "refusals"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			if bytes.Contains(batch[i].Data, []byte("canary")) || bytes.Contains(batch[i].Data, []byte("sales:")) {
				t.Errorf("the log says %s", batch[i].Data)
			}
		}
	}
	if o := w.sentence("S70"); o.State != "kept" {
		t.Errorf("%+v", o)
	}
	if err := w.JoinDataset(w.clerk(), "d-none", contracts.DatasetJoin{With: []events.Word{"pd:Name"}}); err == nil || err.(*contracts.Problem).Status != 404 {
		t.Errorf("of a dataset that is none: %v", err)
	}
}

// partner registers a third party for datasets.
func (w *world) partner() {
	w.t.Helper()
	w.must(w.event("/privacy/office", "recipient_registered", "", `{"recipient":"travel","name":"Travel information partner","country":"JP","kinds":["third_party"],
		"purposes":["ANON-02"],"contract":{"ref":"V-travel","from":"2025-10-01"},"safeguard":"domestic","reviewDue":"2099-10-01"}`))
}

func (w *world) provide(id events.ID, change func(*contracts.DatasetProvision)) ([]byte, error) {
	w.t.Helper()
	q := contracts.DatasetProvision{Recipient: "travel", Method: "sftp", Purpose: "ANON-02"}
	if change != nil {
		change(&q)
	}
	about, from, err := w.ProvideDataset(w.clerk(), id, q)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	b, err := io.ReadAll(from)
	if about.Size != int64(len(b)) || about.Type != "application/zip" || !strings.Contains(about.Name, string(id)) {
		w.t.Errorf("%+v, %d bytes", about, len(b))
	}
	return b, err
}

func TestS71_WhatIsHandedOverSaysWhatItIs(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	w.partner()
	d := w.make()
	w.publish(d.ID, "sftp")
	_, err := w.provide(d.ID, func(q *contracts.DatasetProvision) { q.Label = "statistics" })
	refusedAs(t, "another label", err, "not_permitted", "/data/label")
	if o := w.sentence("S71"); o.State != "unproved" {
		t.Errorf("%+v", o)
	}
	for _, format := range formats {
		b, err := w.provide(d.ID, func(q *contracts.DatasetProvision) { q.Format = format })
		if err != nil {
			t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil || len(z.File) != 2 || z.File[0].Name != noticeName {
			t.Fatalf("%+v %v", z, err)
		}
		read := func(i int) string {
			r, err := z.File[i].Open()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			all, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(all)
		}
		told := read(0)
		for _, want := range []string{"本データは匿名加工情報です", "ANONYMOUSLY PROCESSED INFORMATION", string(organisation.Label), "国・地域, 時期, 購入情報", "Country, Period, Purchase",
			"Telecom Square", "Travel information partner", "sftp", string(d.ID), string(map[events.Word]events.Word{csvFormat: d.Digest, parquetFormat: d.Parquet}[format]), "第45条", "Article 45"} {
			if !strings.Contains(told, want) {
				t.Errorf("the notice does not say %q:\n%s", want, told)
			}
		}
		if strings.ContainsAny(told, "{}") {
			t.Errorf("the notice is not filled in:\n%s", told)
		}
		kept, err := os.ReadFile(filepath.Join(w.dir, "datasets", string(d.ID)+"."+string(format)))
		if err != nil || read(1) != string(kept) || !strings.HasPrefix(z.File[1].Name, "anonymously-processed-information-") {
			t.Errorf("%s: what is handed over is not what was made (%v)", z.File[1].Name, err)
		}
	}
	now, err := w.Dataset(w.clerk(), d.ID)
	if err != nil || len(now.Provided) != 2 || now.Provided[0].Recipient != "travel" || now.Provided[0].Method != "sftp" {
		t.Errorf("%+v %v", now, err)
	}
	if o := w.sentence("S71"); o.State != "kept" || o.Evidence[0].Count != 2 {
		t.Errorf("%+v", o)
	}
	if files := w.files(); len(files) != 2 {
		t.Errorf("archives were left: %v", files)
	}
}

func TestS72_NothingIsHandedOverBeforeItemsAndMethodArePublished(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	w.partner()
	d := w.make()
	_, err := w.provide(d.ID, nil)
	refusedAs(t, "before anything is published", err, "not_permitted", "/data/dataset")
	w.publish(d.ID)
	_, err = w.provide(d.ID, nil)
	refusedAs(t, "before the method is published", err, "not_permitted", "/data/method")
	if o := w.sentence("S72"); o.State != "unproved" {
		t.Errorf("%+v", o)
	}
	w.publish(d.ID, "sftp")
	_, err = w.provide(d.ID, func(q *contracts.DatasetProvision) { q.Method = "mail" })
	refusedAs(t, "by another method", err, "not_permitted", "/data/method")
	_, err = w.provide(d.ID, func(q *contracts.DatasetProvision) { q.Recipient = "nobody" })
	refusedAs(t, "to nobody who is known", err, "unknown_recipient", "/data/recipient")
	_, err = w.provide(d.ID, func(q *contracts.DatasetProvision) { q.Purpose = "SVC-05" })
	refusedAs(t, "for another purpose", err, "recipient_not_permitted", "/data/recipient")
	if n := w.history("dataset_provided"); n != 0 {
		t.Errorf("%d provisions are recorded", n)
	}
	if _, err = w.provide(d.ID, nil); err != nil {
		t.Fatal(err)
	}
	if o := w.sentence("S72"); o.State != "kept" {
		t.Errorf("%+v", o)
	}
}

func TestWhoMay(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	d := w.make()
	w.publish(d.ID)
	for _, role := range []events.Word{"emitter", "responder", "auditor", ""} {
		ctx := w.as(intake.Caller{Role: role, Holder: "staff:x"})
		for what, try := range map[string]func(context.Context) error{
			"make": func(ctx context.Context) error { _, err := w.MakeDataset(ctx, w.recipe()); return err },
			"publish": func(ctx context.Context) error {
				_, err := w.PublishDataset(ctx, d.ID, contracts.DatasetPublication{})
				return err
			},
			"use": func(ctx context.Context) error {
				_, err := w.UseDataset(ctx, d.ID, contracts.DatasetUse{Purpose: "SVC-07"})
				return err
			},
			"file": func(ctx context.Context) error {
				_, _, err := w.DatasetFile(ctx, d.ID, contracts.DatasetUse{Purpose: "SVC-07"})
				return err
			},
			"provide": func(ctx context.Context) error {
				_, _, err := w.ProvideDataset(ctx, d.ID, contracts.DatasetProvision{})
				return err
			},
			"destroy": func(ctx context.Context) error { _, err := w.DestroyDataset(ctx, d.ID); return err },
			"join": func(ctx context.Context) error {
				return w.JoinDataset(ctx, d.ID, contracts.DatasetJoin{With: []events.Word{"pd:Name"}})
			},
		} {
			if p, ok := try(ctx).(*contracts.Problem); !ok || p.Code != "role" {
				t.Errorf("%s as %q: %v", what, role, p)
			}
		}
		_, err := w.Datasets(ctx)
		if reads := role == "responder" || role == "auditor"; reads != (err == nil) {
			t.Errorf("listing as %q: %v", role, err)
		}
	}
}

// A destruction takes the files, however it was told; files that no event names go after a while, those of a living dataset never.
func TestDestroyedAndOrphanedFilesGo(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	a, b, c := w.make(), w.make(), w.make()
	if d, err := w.DestroyDataset(w.clerk(), a.ID); err != nil || d.State != "destroyed" || d.Ended == nil {
		t.Fatalf("%+v %v", d, err)
	}
	if len(w.files()) != 4 {
		t.Errorf("%v", w.files())
	}
	w.must(w.event("/privacy/office", "dataset_destroyed", "", `{"dataset":"`+string(b.ID)+`"}`))
	orphan := filepath.Join(w.dir, "datasets", "d-orphan.csv")
	if err := os.WriteFile(orphan, []byte("a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Sweep(); err != nil {
		t.Fatal(err)
	}
	files := w.files()
	slices.Sort(files)
	want := []string{string(c.ID) + ".csv", string(c.ID) + ".parquet", "d-orphan.csv"}
	if slices.Sort(want); !slices.Equal(files, want) {
		t.Errorf("%v", files)
	}
	w.ahead.Store(int64(grace + time.Minute))
	if err := w.Sweep(); err != nil {
		t.Fatal(err)
	}
	if files := w.files(); len(files) != 2 || slices.Contains(files, "d-orphan.csv") {
		t.Errorf("%v", files)
	}
	for what, err := range map[string]error{
		"used": func() error {
			_, err := w.UseDataset(w.clerk(), a.ID, contracts.DatasetUse{Purpose: "SVC-07"})
			return err
		}(),
		"published": func() error { _, err := w.PublishDataset(w.clerk(), b.ID, contracts.DatasetPublication{}); return err }(),
		"destroyed": func() error { _, err := w.DestroyDataset(w.clerk(), a.ID); return err }(),
	} {
		refusedAs(t, what+" after its end", err, "record_gone", "/dataset")
	}
	if check, err := w.Check(t.Context()); err != nil || !check.OK || check.Count != 1 {
		t.Errorf("%+v %v", check, err)
	}
}

// A file that is missing, changed, or open to others is found, not given, and stands as a gap where the policy promises better.
func TestS68_FilesThatAreNotSafeAreAGap(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	for _, x := range []struct {
		what   string
		gap    bool // to be seen without reading the file
		damage func(path string) error
	}{
		{"missing", true, os.Remove},
		{"open to others", true, func(path string) error { return os.Chmod(path, 0o644) }},
		{"changed", false, func(path string) error {
			b, err := os.ReadFile(path)
			if err == nil {
				b[len(b)/2] ^= 1
				err = os.WriteFile(path, b, 0o600)
			}
			return err
		}},
		{"cut", false, func(path string) error { return os.Truncate(path, 40) }},
		{"empty", false, func(path string) error { return os.Truncate(path, 0) }},
	} {
		for _, format := range formats {
			d := w.make()
			w.publish(d.ID)
			if err := x.damage(filepath.Join(w.dir, "datasets", string(d.ID)+"."+string(format))); err != nil {
				t.Fatal(err)
			}
			if o := w.sentence("S68"); (o.State == "gap") != x.gap || x.gap && !strings.Contains(strings.Join(o.Caveats, " "), string(d.ID)+"."+string(format)) {
				t.Errorf("%s %s: %+v", x.what, format, o)
			}
			if x.what != "open to others" {
				if _, from, err := w.DatasetFile(w.clerk(), d.ID, contracts.DatasetUse{Purpose: "SVC-07", Format: format}); err == nil || from != nil {
					t.Errorf("%s %s is given", x.what, format)
				}
				if now, _ := w.Dataset(w.clerk(), d.ID); now.Uses != 0 {
					t.Errorf("%s %s: a use is recorded that was none", x.what, format)
				}
				if c, err := w.Check(t.Context()); err != nil || c.OK || !strings.Contains(c.Detail, string(d.ID)+"."+string(format)) {
					t.Errorf("%s %s: %+v %v", x.what, format, c, err)
				}
			}
			if _, err := w.DestroyDataset(w.clerk(), d.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if o := w.sentence("S68"); o.State != "kept" {
		t.Errorf("%+v", o)
	}
}
