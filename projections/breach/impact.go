package breach

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
)

// Impact answers a scope. The same scope with the same KnownAt gives the same bytes, whenever it is asked; a KnownAt of zero is
// resolved to what is known now, and the answer names it.
func (b *Breach) Impact(ctx context.Context, s contracts.Scope) (contracts.Impact, error) {
	a, err := b.affected(ctx, &s)
	if err != nil {
		return contracts.Impact{}, err
	}
	org, err := b.Organisation(ctx, s.KnownAt, s.To)
	if err != nil {
		return contracts.Impact{}, err
	}
	out := contracts.Impact{
		Scope: s, Position: s.KnownAt,
		People:  contracts.ImpactPeople{ByCountry: map[string]int{}, ByKind: map[string]int{}},
		Records: contracts.ImpactRecords{ByCategory: map[string]int{}}, Duties: []contracts.Duty{}, Caveats: []string{},
	}
	gdpr := 0
	for _, h := range a {
		out.People.Total++
		out.People.ByCountry[h.country]++
		out.People.ByKind[h.kind]++
		if h.minor {
			out.People.Minors++
		}
		if h.forgotten {
			out.People.Forgotten++
		}
		if org.Policy != nil && org.Policy.GDPR(events.Word(h.country)) {
			gdpr++
		}
		for _, c := range h.records {
			out.Records.Total++
			out.Records.ByCategory[c]++
			if org.Policy == nil {
				continue
			}
			k, _ := org.Policy.Category(events.Word(c))
			if k.Special {
				out.Special++
			}
			if k.Financial {
				out.Finance++
			}
		}
	}
	if out.Clients, err = b.clients(ctx, a); err != nil {
		return contracts.Impact{}, err
	}
	out.Duties = duties(&out, gdpr)
	out.Caveats = caveats(&out, org)
	return out, digest(&out)
}

// digest is SHA-256 over the answer's canonical JSON (RFC 8785) without the digest.
func digest(i *contracts.Impact) error {
	i.Digest = ""
	doc, err := json.Marshal(i)
	if err != nil {
		return fmt.Errorf("writing an impact: %w", err)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(doc, &members); err != nil {
		return fmt.Errorf("writing an impact: %w", err)
	}
	delete(members, "digest")
	doc, err = json.Marshal(members)
	if err != nil {
		return fmt.Errorf("writing an impact: %w", err)
	}
	canonical := jsontext.Value(doc)
	if err := canonical.Canonicalize(); err != nil {
		return fmt.Errorf("writing an impact: %w", err)
	}
	sum := sha256.Sum256(canonical)
	i.Digest = "sha256:" + hex.EncodeToString(sum[:])
	return nil
}

// human is one person who is affected: pseudonyms that links unite.
type human struct {
	person    events.Pseudonym // the first of them
	united    int
	records   map[ref]string // → category
	first     int64
	last      int64
	country   string
	kind      string
	minor     bool
	forgotten bool
}

// affected finds everybody who had a record at one of the places in the window.
func (b *Breach) affected(ctx context.Context, s *contracts.Scope) ([]*human, error) {
	at, err := b.Position(ctx)
	if err != nil {
		return nil, err
	}
	if s.KnownAt == 0 || s.KnownAt > at {
		s.KnownAt = at
	}
	present, err := b.present(ctx, s)
	if err != nil {
		return nil, err
	}
	who, err := b.unite(ctx, s, present)
	if err != nil {
		return nil, err
	}
	people := map[events.Pseudonym]*human{}
	for r, p := range present {
		root := who.root(r.person)
		h := people[root]
		if h == nil {
			h = &human{person: root, united: who.size(root), records: map[ref]string{}, first: p.first, last: p.last}
			people[root] = h
		}
		h.records[r] = p.category
		h.first, h.last = min(h.first, p.first), max(h.last, p.last)
	}
	all := make([]*human, 0, len(people))
	for _, h := range people {
		if err := b.describe(ctx, s, who, h); err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *human) int {
		if a.person < b.person {
			return -1
		}
		return 1
	})
	return all, nil
}

// stay is a record's presence in the window.
type stay struct {
	category    string
	first, last int64 // milliseconds, inside the window
}

// present replays the changes at the places asked for. A record is present in [start, end); the window is [From, To).
func (b *Breach) present(ctx context.Context, s *contracts.Scope) (map[ref]*stay, error) {
	from, to := s.From.UnixMilli(), s.To.UnixMilli()
	found := map[ref]*stay{}
	for _, place := range s.Locations {
		rows, err := b.Read.QueryContext(ctx, `select person, record, time, came, category from presence
			where place = $1 and position <= $2 and time < $3 order by person, record, time, position`, string(place), int64(s.KnownAt), to)
		if err != nil {
			return nil, fmt.Errorf("reading presence: %w", err)
		}
		var cur ref
		var category string
		began := int64(-1)
		until := func(end int64) {
			if began >= 0 && end > from && began < to && end > began && asksFor(s, category) {
				first, last := max(began, from), min(end, to)
				if f := found[cur]; f != nil {
					f.first, f.last = min(f.first, first), max(f.last, last)
				} else {
					found[cur] = &stay{category, first, last}
				}
			}
			began = -1
		}
		for rows.Next() {
			var p, c string
			var n, t int64
			var came int
			if err := rows.Scan(&p, &n, &t, &came, &c); err != nil {
				_ = rows.Close()
				return nil, fmt.Errorf("reading presence: %w", err)
			}
			if r := (ref{events.Pseudonym(p), events.Ordinal(n)}); r != cur {
				until(to)
				cur = r
			}
			category = c
			switch {
			case came == 1 && began < 0:
				began = t
			case came == 0:
				until(t)
			}
		}
		until(to)
		if err := rows.Close(); err != nil {
			return nil, fmt.Errorf("reading presence: %w", err)
		}
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("reading presence: %w", err)
		}
	}
	return found, nil
}

// List gives one line a person, in the order of pseudonyms.
func (b *Breach) List(ctx context.Context, s contracts.Scope, yield func(contracts.Affected) error) error {
	all, err := b.affected(ctx, &s)
	if err != nil {
		return err
	}
	for _, h := range all {
		line := contracts.Affected{Person: h.person, First: time.UnixMilli(h.first).UTC(), Last: time.UnixMilli(h.last).UTC(), Contactable: !h.forgotten, Forgotten: h.forgotten}
		if h.united > 1 {
			line.United = h.united
		}
		for _, c := range h.records {
			if w := events.Word(c); !slices.Contains(line.Categories, w) {
				line.Categories = append(line.Categories, w)
			}
		}
		slices.Sort(line.Categories)
		if err := yield(line); err != nil {
			return err
		}
	}
	return nil
}

// describe says of a person what held at the window's end: from the last collection by then, of any of their pseudonyms.
func (b *Breach) describe(ctx context.Context, s *contracts.Scope, who *unions, h *human) error {
	latest := [2]int64{-1, -1}
	gone := 0
	members := who.members(h.person)
	// United people are named by who was known first: a choice that does not hang on how pseudonyms fell out.
	first := [2]int64{math.MaxInt64, math.MaxInt64}
	for _, p := range members {
		var began [2]int64
		if err := b.Read.QueryRowContext(ctx, `select time, position from profiles where person = $1 and position <= $2 order by time, position limit 1`,
			string(p), int64(s.KnownAt)).Scan(&began[0], &began[1]); err == nil && (began[0] < first[0] || began[0] == first[0] && began[1] < first[1]) {
			first, h.person = began, p
		}
		var t, position int64
		var country, kind string
		var minor int
		err := b.Read.QueryRowContext(ctx, `select time, position, country, kind, minor from profiles where person = $1 and time <= $2 and position <= $3
			order by time desc, position desc limit 1`, string(p), s.To.UnixMilli(), int64(s.KnownAt)).Scan(&t, &position, &country, &kind, &minor)
		if err == nil && (t > latest[0] || t == latest[0] && position > latest[1]) {
			latest = [2]int64{t, position}
			h.country, h.kind, h.minor = country, kind, minor == 1
		}
		var forgotten int
		if err := b.Read.QueryRowContext(ctx, `select count(*) from forgotten where person = $1 and position <= $2`, string(p), int64(s.KnownAt)).Scan(&forgotten); err != nil {
			return fmt.Errorf("reading who was forgotten: %w", err)
		}
		gone += forgotten
	}
	h.forgotten = gone == len(members)
	return nil
}

func caveats(i *contracts.Impact, org *organisation.State) []string {
	out := []string{
		"Presence is what was reported to this register: a copy that nobody reported is not counted.",
		"At a recipient, data counts as present until the recipient confirms its disposal.",
	}
	if i.People.Forgotten > 0 {
		out = append(out, "People who have been forgotten are counted, and cannot be named or contacted through this register.")
	}
	if org.Policy == nil {
		out = append(out, "No policy was known at this position: categories are not classified, and duties may be missing.")
	}
	return out
}

func asksFor(s *contracts.Scope, category string) bool {
	return len(s.Categories) == 0 || slices.Contains(s.Categories, events.Word(category))
}
