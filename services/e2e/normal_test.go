package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// identifiers are everybody whom lines name as a subject or the other side of a link.
func identifiers(lines [][]byte) []string {
	set := map[string]bool{}
	for _, l := range lines {
		var e struct {
			Subject string
			Data    struct{ Other string }
		}
		if json.Unmarshal(l, &e) == nil {
			set[e.Subject], set[e.Data.Other] = true, true
		}
	}
	delete(set, "")
	var all []string
	for id := range set {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// patiently asks again what could not be answered just now; that there is no such thing is an answer.
func patiently[T any](ask func() (T, error)) (out T, err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var p *contracts.Problem
		if out, err = ask(); err == nil || errors.As(err, &p) && p.Status < 500 {
			break
		}
	}
	return out, err
}

// normal is all that an engine answers about some people, in a form in which two engines that know the same are equal to the byte:
// people by their outside identifiers, no positions, no times of recording.
func normal(t testing.TB, e *engine, ids []string, asOf time.Time, whole bool) []byte {
	t.Helper()
	ctx := context.Background()
	c := e.as("admin")
	names := map[string]string{}
	var out []any
	var dossiers []contracts.Dossier
	for _, id := range ids {
		p, err := patiently(func() (contracts.PersonFound, error) { return c.Find(ctx, events.Identifier(id)) })
		if err != nil {
			continue
		}
		names[string(p.Person)] = id
		d, err := patiently(func() (contracts.Dossier, error) {
			return c.Dossier(ctx, contracts.DossierQuestion{Person: string(p.Person), Sealed: true, AsOf: asOf})
		})
		if err != nil {
			continue
		}
		dossiers = append(dossiers, d)
	}
	for _, d := range dossiers {
		d.Looks = nil
		d.History = slices.DeleteFunc(d.History, func(h contracts.HistoryLine) bool { return h.Type == "accessed" || h.Type == "keys_destroyed" })
		slices.SortStableFunc(d.History, func(a, b contracts.HistoryLine) int {
			return strings.Compare(a.Time.String()+a.Type+a.Source, b.Time.String()+b.Type+b.Source)
		})
		slices.SortFunc(d.United, func(a, b events.Pseudonym) int { return strings.Compare(names[string(a)], names[string(b)]) })
		slices.SortFunc(d.Records, func(a, b contracts.DossierRecord) int {
			return strings.Compare(rename(a.ID, names), rename(b.ID, names))
		})
		out = append(out, d)
	}
	if whole {
		due, err := patiently(func() (contracts.Due, error) {
			return c.Due(ctx, contracts.DueQuestion{By: "2099-12-31", Limit: 10_000})
		})
		if err != nil {
			t.Fatal(err)
		}
		for due.Next != nil {
			more, err := c.Due(ctx, contracts.DueQuestion{By: "2099-12-31", Limit: 10_000, After: *due.Next})
			if err != nil {
				t.Fatal(err)
			}
			due.Items, due.Next = append(due.Items, more.Items...), more.Next
		}
		if len(due.Items) != due.Total {
			t.Errorf("due pages have %d items of %d", len(due.Items), due.Total)
		}
		sort.Slice(due.Items, func(i, j int) bool {
			a, b := due.Items[i], due.Items[j]
			return rename(a.Record, names)+string(a.Purpose) < rename(b.Record, names)+string(b.Purpose)
		})
		calendar, err := c.Calendar(ctx)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, due, calendar)
		for _, place := range []events.Word{"rental-db", "sales-crm", "web-analytics", "call-store", "hr-files", "entrusted-db", "parcel", "cards", "mailer"} {
			for _, w := range [][2]string{{"2025-10-01T00:00:00Z", "2026-12-01T00:00:00Z"}, {"2026-02-03T04:05:06Z", "2026-02-10T00:00:00Z"}} {
				from, _ := time.Parse(time.RFC3339, w[0])
				to, _ := time.Parse(time.RFC3339, w[1])
				q := contracts.ImpactQuestion{Locations: []events.Word{place}, From: from, To: to}
				i, err := c.Impact(ctx, q)
				if err != nil {
					t.Fatal(err)
				}
				i.Digest = ""
				out = append(out, i)
				var lines []string
				if err := c.Affected(ctx, q, func(a contracts.Affected) error {
					b, err := json.Marshal(a)
					lines = append(lines, rename(string(b), names))
					return err
				}); err != nil {
					t.Fatal(err)
				}
				out = append(out, lines)
			}
		}
	}
	var b bytes.Buffer
	for _, v := range out {
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var tree any
		if err := json.Unmarshal(j, &tree); err != nil {
			t.Fatal(err)
		}
		if j, err = json.Marshal(strip(tree, names)); err != nil {
			t.Fatal(err)
		}
		b.Write(j)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// undisturbed is what an engine gives, of whom and as of when, that nothing happens to while it is sent lines, and that has been told who is of age.
func undisturbed(t testing.TB, lines [][]byte) (ids []string, asOf time.Time, want []byte) {
	t.Helper()
	ids, asOf = identifiers(lines), time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	calm := fed(t, lines)
	calm.grown()
	want = normal(t, calm, ids, asOf, true)
	calm.kill()
	return ids, asOf, want
}

// strip leaves out where and when something was recorded, and names people by their identifiers.
func strip(v any, names map[string]string) any {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range []string{"position", "recorded", "knownAt", "asOf"} {
			delete(v, k)
		}
		for k := range v {
			v[k] = strip(v[k], names)
		}
	case []any:
		for i := range v {
			v[i] = strip(v[i], names)
		}
		if len(v) > 0 {
			if s, ok := v[0].(string); ok && strings.HasPrefix(s, `{"person"`) {
				sort.Slice(v, func(i, j int) bool { return v[i].(string) < v[j].(string) })
			}
		}
	case string:
		return rename(v, names)
	}
	return v
}

// rename puts identifiers in the place of pseudonyms, 26 characters each.
func rename(s string, names map[string]string) string {
	for i := 0; i+26 <= len(s); i++ {
		if id, ok := names[s[i:i+26]]; ok {
			return s[:i] + id + rename(s[i+26:], names)
		}
	}
	return s
}

// differ shows the first lines in which two normal forms differ.
func differ(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	var out strings.Builder
	shown := 0
	for i := range max(len(x), len(y)) {
		var l, r []byte
		if i < len(x) {
			l = x[i]
		}
		if i < len(y) {
			r = y[i]
		}
		if !bytes.Equal(l, r) && shown < 2 {
			shown++
			k := 0
			for k < min(len(l), len(r)) && l[k] == r[k] {
				k++
			}
			fmt.Fprintf(&out, "line %d, from byte %d:\n  %.300s\n  %.300s\n", i, k, l[max(0, k-60):], r[max(0, k-60):])
		}
	}
	return out.String()
}
