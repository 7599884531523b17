package policy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// What a change of the small catalogue is told as: "kind how path [notice]".
func TestDiff(t *testing.T) {
	was := parse(t, small)
	if d := Diff(was, was); len(d.Changes) > 0 || d.Major() {
		t.Fatalf("the same catalogue differs: %+v", d)
	}
	for _, x := range []struct {
		from, to string
		want     []string
		major    bool
	}{
		{`"text":{"en":"a"}`, `"text":{"en":"more"}`, []string{"text changed /purposes/A/text/en notice"}, true},
		{`"keep":"P5Y"`, `"keep":"P6Y"`, []string{"period changed"}, false},
		{`"recipients":[{"id":"parcel"}]`, `"recipients":[{"id":"parcel"},{"id":"mailer"}]`, []string{"recipient added /recipients/mailer"}, false},
		{`"phone":"1"`, `"phone":"9"`, []string{"company changed /contacts/desk/phone"}, false},
		{`"every":"P6M"`, `"every":"P3M"`, []string{"review changed /governance/reviews/law/every"}, false},
		{`"sources":["/shop"]`, `"sources":[]`, []string{"tracker removed /trackers/t/sources/~1shop"}, false},
		{`{"id":"closed"},{"id":"opened"}`, `{"id":"opened"},{"id":"closed"}`, []string{"other reordered /milestones"}, false},
		{`"version":"1"`, `"version":"2"`, []string{"version changed /version"}, false},
		{`"BASIC":["pd:Name"]`, `"BASIC":["pd:Name","pd:Purchase"]`, []string{"category added /sets/BASIC/pd:Purchase"}, false},
	} {
		if !strings.Contains(small, x.from) {
			t.Fatalf("the small catalogue has no %s", x.from)
		}
		d := Diff(was, parse(t, strings.Replace(small, x.from, x.to, 1)))
		var got []string
		for _, c := range d.Changes {
			s := c.Kind + " " + c.How + " " + c.Path
			if c.Notice {
				s += " notice"
			}
			got = append(got, s)
		}
		if !slices.EqualFunc(got, x.want, strings.HasPrefix) || d.Major() != x.major {
			t.Errorf("%s: %q, major %v", x.to, got, d.Major())
		}
	}
}

// A purpose that takes more through a set of categories needs notice, though the passage stands elsewhere; one that takes less does not.
func TestDiffNamesThePurposesThatASetWidens(t *testing.T) {
	wide := parse(t, small)
	narrow := parse(t, strings.Replace(small, `"ALL":["BASIC","pd:Purchase"]`, `"ALL":["BASIC"]`, 1))
	if d := Diff(narrow, wide); !d.Major() || len(d.Changes) != 1 || d.Changes[0].Path != "/sets/ALL/pd:Purchase" {
		t.Errorf("widened: %+v", d)
	}
	if d := Diff(wide, narrow); d.Major() || len(d.Changes) != 1 {
		t.Errorf("narrowed: %+v", d)
	}
}

// What the list of changes has to tell of: whatever people can read or what binds them, and not what its makers noted for themselves.
func TestS29_WhatDiffers(t *testing.T) {
	was := parse(t, small)
	for _, x := range []struct {
		from, to string
		want     bool
	}{
		{`"version":"1"`, `"version":"2","effective":"2026-04-01"`, false},
		{`"version":"1"`, `"version":"1","namespaces":{"x":"https://example.com/"}`, false},
		{`"schemes":[{"id":"rental"}`, `"schemes":[{"id":"rental"},{"id":"hire"}`, false},
		{`"sources":["/shop","/vendors/*"]`, `"sources":["/shop","/vendors/*","/counter"]`, false},
		{`"sourceKinds":{"/shop":"web"`, `"sourceKinds":{"/shop":"counter"`, false},
		{`"keep":"P5Y"`, `"keep":"P5Y","confidence":"low","source":"z"`, false},
		{`"text":{"en":"a"}`, `"text":{"en":"a"},"remark":"y"`, false},
		{`"BASIC":["pd:Name"]`, `"BASIC":["pd:Name"],"source":["pd:Name"]`, true},
		{`"keep":"P5Y"`, `"keep":"P6Y"`, true},
		{`"phone":"1"`, `"phone":"9"`, true},
		{`"every":"P6M"`, `"every":"P3M"`, true},
		{`"sources":["/shop"]`, `"sources":[]`, true}, // of a tracker
		{`"text":{"en":"a"}`, `"text":{"en":"a","ja":"い"}`, true},
	} {
		if !strings.Contains(small, x.from) {
			t.Fatalf("the small catalogue has no %s", x.from)
		}
		is := parse(t, strings.Replace(small, x.from, x.to, 1))
		if Differ(was, is) != x.want || Differ(is, was) != x.want || Diff(was, is).Listed != x.want {
			t.Errorf("%s: to be listed: %v", x.to, !x.want)
		}
	}
}

// There is no change if, and only if, two documents are the same; and one way round it is as many as the other.
func TestDiffMissesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(29, 30))
	for range 3000 {
		a := map[string]any{"purposes": grown(r, 4)}
		b := map[string]any{"purposes": grown(r, 4)}
		if r.IntN(4) == 0 {
			b = a
		}
		x, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		y, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var there, back Difference
		there.compare(nil, tree(x), tree(y))
		back.compare(nil, tree(y), tree(x))
		if (string(x) == string(y)) != (len(there.Changes) == 0) || len(there.Changes) != len(back.Changes) {
			t.Fatalf("%s and %s: %+v", x, y, there.Changes)
		}
	}
}

// grown is some JSON: with ids and without, in lists that repeat themselves and lists that do not.
func grown(r *rand.Rand, deep int) any {
	switch n := r.IntN(6); {
	case deep == 0 || n < 2:
		return []any{"a", "b", "", 1.0, true, nil}[r.IntN(6)]
	case n < 4:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, grown(r, deep-1))
		}
		return list
	default:
		m := map[string]any{}
		for _, name := range []string{"id", "subject", "text"} {
			if r.IntN(2) == 0 {
				m[name] = fmt.Sprint(r.IntN(3))
			}
		}
		if r.IntN(2) == 0 {
			m["more"] = grown(r, deep-1)
		}
		return m
	}
}
