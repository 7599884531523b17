package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// live are the records that have not been disposed of, of everybody, by name.
func live(t *testing.T, e *engine, people []events.Pseudonym) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, p := range people {
		d, err := e.as("auditor").Dossier(context.Background(), contracts.DossierQuestion{Person: string(p), Sealed: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range d.Records {
			if r.State != "disposed" && strings.HasPrefix(r.ID, string(p)+".") {
				all[r.ID] = true
			}
		}
	}
	return all
}

// everybody are the people of whom something was collected.
func everybody(t *testing.T, e *engine) []events.Pseudonym {
	t.Helper()
	var all []events.Pseudonym
	seen := map[events.Pseudonym]bool{}
	if err := e.as("auditor").Replay(context.Background(), contracts.ReplayQuestion{Type: "collected"}, func(x contracts.Recorded) error {
		if !seen[x.Person] {
			seen[x.Person], all = true, append(all, x.Person)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// The year's data: what is due is planned, approved by another, the engine dies in the middle of the run, is started again, and the run
// goes on. What was approved is gone, keys and directory too; nothing else is; recipients were asked first; the certificate holds.
func TestS51_ADisposalThatDiesInTheMiddleDisposesOfExactlyWhatWasApproved(t *testing.T) {
	ctx := context.Background()
	lines := year(t)
	e := fed(t, lines)
	people := everybody(t, e)
	before := live(t, e, people)

	d, err := e.as("compliance").Plan(ctx, contracts.DisposalQuestion{})
	if err != nil {
		t.Fatal(err)
	}
	if d.State != "planned" || d.Records < 200 || d.Forgets < 20 || d.Needs != 1 {
		t.Fatalf("the year's plan: %+v", d)
	}
	list := map[string]contracts.DisposalItem{}
	if err := e.as("compliance").Items(ctx, d.Disposal, func(x contracts.DisposalItem) error { list[x.Record] = x; return nil }); err != nil {
		t.Fatal(err)
	}
	byReason := 0
	for _, r := range d.Reasons {
		byReason += r.Records
	}
	if len(list) != d.Records || byReason != d.Records {
		t.Errorf("%d records on the list, %d by reason, %d planned", len(list), byReason, d.Records)
	}
	for r := range list {
		if !before[r] {
			t.Fatalf("the list has a record that is not there: %s", r)
		}
	}
	if _, err := e.as("compliance").Run(ctx, d.Disposal, nil); rule(err) != "not_permitted" {
		t.Errorf("run before it is approved: %v", err)
	}
	if _, err := e.as("compliance").Approve(ctx, d.Disposal, ""); rule(err) != "not_permitted" {
		t.Errorf("approved by who planned it: %v", err)
	}
	if _, err := e.as("admin").Approve(ctx, d.Disposal, "sha256:00"); rule(err) != "not_permitted" {
		t.Errorf("approved by another digest: %v", err)
	}
	if d, err = e.as("admin").Approve(ctx, d.Disposal, d.Digest); err != nil || d.State != "approved" {
		t.Fatalf("%+v %v", d, err)
	}

	// It dies as soon as a first part has been told.
	_, err = e.as("compliance").Run(ctx, d.Disposal, func(p contracts.DisposalProgress) error {
		if p.Done == 0 || p.Done >= p.Total {
			t.Errorf("the first step of the run says %d of %d", p.Done, p.Total)
		}
		e.kill()
		return nil
	})
	if err == nil {
		t.Fatal("the run ended before the engine died")
	}
	e.again()
	half, err := e.as("compliance").Disposal(ctx, d.Disposal)
	if err != nil || half.State != "approved" {
		t.Fatalf("%+v %v", half, err)
	}
	left := 0
	for r := range live(t, e, people) {
		if _, ok := list[r]; ok {
			left++
		}
	}
	if left == 0 || left == len(list) {
		t.Errorf("after the crash %d of %d records are left: it did not die in the middle", left, len(list))
	}
	reasons := map[string]string{}
	d, err = e.as("compliance").Run(ctx, d.Disposal, func(p contracts.DisposalProgress) error {
		if p.Record != "" {
			reasons[p.Record] = p.Reason
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	waits := 0
	for r, x := range list {
		if x.Held {
			waits++
			if reasons[r] != "held" {
				t.Errorf("a held record is told as %q", reasons[r])
			}
		} else if reasons[r] != "" {
			t.Errorf("a record that nothing holds is told as %q", reasons[r])
		}
	}
	if d.Disposed != len(list)-waits || d.Left["held"] != waits || (d.State == "waiting") != (waits > 0) {
		t.Errorf("%d of %d disposed of, %d held: %+v", d.Disposed, len(list), waits, d)
	}

	after := live(t, e, people)
	for r := range before {
		x, listed := list[r]
		if gone := listed && !x.Held; after[r] == gone {
			t.Errorf("record on the list: %v, held: %v, still there: %v", listed, x.Held, after[r])
		}
	}
	again, err := e.as("compliance").Run(ctx, d.Disposal, nil)
	if err != nil || again.Disposed != d.Disposed {
		t.Errorf("run once more: %+v %v", again, err)
	}
	recalled(t, e, d.Disposal)

	out, exit := e.daicho("--role", "auditor", "disposal", "certificate", string(d.Disposal))
	if exit != 0 || !strings.Contains(out, "by time") || !strings.Contains(out, "final") {
		t.Errorf("the certificate does not say what it cannot promise: %d\n%s", exit, out)
	}
	file := filepath.Join(t.TempDir(), "certificate.json")
	if out, exit := e.daicho("--role", "auditor", "disposal", "certificate", string(d.Disposal), "--file", file); exit != 0 {
		t.Fatalf("certificate: %d %s", exit, out)
	}
	if out, exit := e.daicho("--role", "auditor", "disposal", "check", file); exit != 0 {
		t.Errorf("the certificate does not hold: %d\n%s", exit, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		if bytes.Contains(b, []byte(p)) {
			t.Fatal("the certificate names somebody")
		}
	}
	tampered(t, e, b)
	e.verified()

	// With everything on disk, nothing of what was disposed of opens, and nobody forgotten is found.
	forgotten := map[events.Pseudonym]bool{}
	for r, x := range list {
		p, _, _ := strings.Cut(r, ".")
		if x.Forget && !slices.ContainsFunc(slices.Collect(keysOf(list)), func(o string) bool { return strings.HasPrefix(o, p+".") && list[o].Held }) {
			forgotten[events.Pseudonym(p)] = true
		}
	}
	found := map[events.Pseudonym]bool{}
	for _, id := range identifiers(lines) {
		if p, err := e.as("admin").Find(ctx, events.Identifier(id)); err == nil {
			found[p.Person] = true
		}
	}
	for p := range forgotten {
		if found[p] {
			t.Error("an identifier still leads to somebody of whom nothing is left")
		}
	}
	if len(found)+len(forgotten) < len(people) || len(forgotten) < 20 {
		t.Errorf("%d people are found, %d forgotten, of %d", len(found), len(forgotten), len(people))
	}
	e.stop()
	opensExactly(t, e, before, list)
}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func rule(err error) string {
	var p *contracts.Problem
	if errors.As(err, &p) {
		return p.Rule
	}
	return ""
}

// recalled asks of every deletion in a disposal's name that what lay with a recipient was asked back before.
func recalled(t *testing.T, e *engine, id events.ID) {
	t.Helper()
	type at struct {
		person    events.Pseudonym
		recipient string
		n         string
	}
	with, asked := map[at]bool{}, map[at]bool{}
	deletions, recalls := 0, 0
	if err := e.as("auditor").Replay(context.Background(), contracts.ReplayQuestion{}, func(x contracts.Recorded) error {
		b, _ := json.Marshal(x.Data)
		var f struct {
			Of        []json.Number
			Recipient string
			Run       string
		}
		switch events.Short(x.Type) {
		case "transferred", "recall_requested", "disposal_confirmed", "deleted":
			if err := json.Unmarshal(b, &f); err != nil {
				return err
			}
		}
		for _, n := range f.Of {
			k := at{x.Person, f.Recipient, n.String()}
			switch events.Short(x.Type) {
			case "transferred":
				with[k] = true
			case "recall_requested":
				asked[k] = true
			case "disposal_confirmed":
				delete(with, k)
			case "deleted":
				if f.Run != string(id) {
					continue
				}
				deletions++
				for k := range with {
					if k.person == x.Person && k.n == n.String() {
						recalls++
						if !asked[k] {
							return fmt.Errorf("a record was disposed of while it lay with %s, who was not asked", k.recipient)
						}
					}
				}
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if deletions == 0 || recalls == 0 {
		t.Errorf("%d records were disposed of, %d of them lay with somebody: this shows nothing", deletions, recalls)
	}
}

// tampered changes every field of a certificate, one at a time, with its digest and without: none of them holds.
func tampered(t *testing.T, e *engine, certificate []byte) {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(certificate, &fields); err != nil {
		t.Fatal(err)
	}
	for name, with := range map[string]string{
		"disposed": "1", "records": "1", "forgotten": "0", "until": `"2020-01-01"`, "rules": "[]", "caveats": "[]", "proof": `"sha256:00"`, "list": `"sha256:00"`,
		"destruction": `{"deletions":1,"final":1}`, "position": `"1"`, "approved": "[]", "disposal": `"d-other"`, "digest": `"sha256:00"`,
	} {
		if fields[name] == nil {
			t.Errorf("a certificate has no %s", name)
			continue
		}
		was := fields[name]
		fields[name] = json.RawMessage(with)
		b, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		fields[name] = was
		file := filepath.Join(t.TempDir(), "tampered.json")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, exit := e.daicho("--role", "auditor", "disposal", "check", file); exit != 1 {
			t.Errorf("with another %s it holds: %d\n%s", name, exit, out)
		}
	}
}

// opensExactly tries to open every value with all that is on disk: what was disposed of does not open, everything else that was there does.
func opensExactly(t *testing.T, e *engine, before map[string]bool, list map[string]contracts.DisposalItem) {
	t.Helper()
	ctx := context.Background()
	log, v := e.leftLog(), e.leftVault()
	corrected := map[string]bool{}
	opened, shut := 0, 0
	for batch, err := range log.Scan(ctx, 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			f, err := events.Decode(&batch[i])
			if err != nil {
				t.Fatal(err)
			}
			if c, ok := f.(*events.Corrected); ok {
				corrected[batch[i].Stream.ID+"."+c.Of.String()] = true
			}
		}
	}
	for batch, err := range log.Scan(ctx, 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			e := &batch[i]
			f, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			c, ok := f.(*events.Collected)
			if !ok {
				continue
			}
			keys, err := v.Keys(ctx, []events.Stream{e.Stream})
			if err != nil {
				t.Fatal(err)
			}
			for j := range c.Records {
				rec := &c.Records[j]
				name := e.Stream.ID + "." + rec.Value.Ordinal().String()
				if !before[name] || corrected[name] {
					continue
				}
				open := false
				if keys[0] != nil {
					_, err := keys[0].Open(rec.Value.Ordinal(), contracts.Bound{Type: e.Type, Category: string(rec.Category)}, rec.Value.Box())
					if open = err == nil; !open && !errors.Is(err, contracts.ErrDestroyed) {
						t.Fatal(err)
					}
				}
				x, listed := list[name]
				if gone := listed && !x.Held; open == gone {
					t.Errorf("a value that is on the list: %v, held: %v, opens: %v", listed, x.Held, open)
				}
				if open {
					opened++
				} else {
					shut++
				}
			}
		}
	}
	if opened == 0 || shut == 0 {
		t.Errorf("%d values open and %d do not: this shows nothing", opened, shut)
	}
}
