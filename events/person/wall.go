package person

import (
	"slices"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// entrusted says that a collection is held for a client (Note 1 of the policy; APPI 25, 16(4)).
func entrusted(f *events.Collected) bool { return f.Role == "processor" || f.Operation == "entrusted" }

// apart asks of a collection what keeps some data apart: entrusted work is bound to purposes of entrusted work and nothing else is, and
// what lies behind a wall is brought by its sources, into its locations, for its purposes.
func (d *decision) apart(f *events.Collected) *events.Refusal {
	for j := range f.Purposes {
		b := &f.Purposes[j]
		if p := d.c.Purpose(b.ID); len(b.Of) > 0 && (p.Role == "processor") != entrusted(f) {
			return refuse("category_not_permitted", indexed("/data/purposes/%/id", j), "entrusted data serves the client's work alone, and that work takes nothing but entrusted data")
		}
	}
	for i := range f.Records {
		rec := &f.Records[i]
		var bound []events.Word
		for _, b := range f.Purposes {
			if slices.Contains(b.Of, rec.Value.Ordinal()) {
				bound = append(bound, b.ID)
			}
		}
		for _, w := range d.c.Behind(rec.Category, bound) {
			for j, b := range f.Purposes {
				if slices.Contains(b.Of, rec.Value.Ordinal()) && !w.Serves(b.ID) {
					return refuse("category_not_permitted", indexed("/data/purposes/%/id", j), beyond(w))
				}
			}
			switch {
			case !d.admits(w):
				return refuse("category_not_permitted", "/source", "may not bring what is kept apart as "+string(w.ID))
			case !w.Holds(f.Location):
				return refuse("category_not_permitted", "/data/location", "is no place for what is kept apart as "+string(w.ID))
			}
		}
	}
	return nil
}

func beyond(w *policy.Wall) string {
	return "does not reach what is kept apart as " + string(w.ID)
}

// admits says whether the source may reach behind a wall, or who asks is cleared for it.
func (d *decision) admits(w *policy.Wall) bool {
	return w.Admits(d.in.Source) || slices.Contains(d.in.Walls, w.ID)
}

// care asks for consent before special care-required data are taken (APPI 20(2)), where no law asks for them. Entrusting is an exception
// (Order 9(2)): the client has asked.
func (d *decision) care(f *events.Collected) *events.Refusal {
	if entrusted(f) {
		return nil
	}
	for i := range f.Records {
		rec := &f.Records[i]
		if c, _ := d.c.Category(rec.Category); !c.Special {
			continue
		}
		if !slices.ContainsFunc(f.Purposes, func(b events.Bind) bool {
			return slices.Contains(b.Of, rec.Value.Ordinal()) && (b.Basis == "consent" || b.Basis == "legal_obligation")
		}) {
			return refuse("consent_missing", indexed("/data/records/%/category", i), "is care-required: it is taken with the person's consent, or where a law asks for it (APPI 20(2))")
		}
	}
	return nil
}

// Walls are the walls that a record lies behind.
func (r *Record) Walls(c *policy.Catalogue) []*policy.Wall {
	if c == nil || len(c.Walls) == 0 {
		return nil
	}
	return c.Behind(r.Category, r.purposes())
}

// purposes are all that a record is, or was, bound to.
func (r *Record) purposes() []events.Word {
	all := make([]events.Word, 0, len(r.Bindings))
	for i := range r.Bindings {
		all = append(all, r.Bindings[i].Purpose)
	}
	return all
}

// mayUse says whether a use reaches a record that it is bound to.
func (d *decision) mayUse(r *Record, purpose events.Word) bool {
	for _, w := range r.Walls(d.c) {
		if !w.Serves(purpose) || !d.admits(w) {
			return false
		}
	}
	return true
}

// reaches asks whether a purpose may be bound to the records selected: one that leads behind a wall takes only what serves nothing
// outside of it.
func (d *decision) reaches(f *events.PurposeBound) *events.Refusal {
	for _, n := range f.Of {
		r := d.s.Record(n)
		if d.beyondTracker(r, f.Purpose) {
			return refuse("category_not_permitted", "/data/purpose", "is no purpose of the tracker that collected a record selected")
		}
		if p := d.c.Purpose(f.Purpose); (p.Role == "processor") != r.Processor {
			return refuse("category_not_permitted", "/data/purpose", "entrusted data serves the client's work alone, and that work takes nothing but entrusted data")
		}
		for _, w := range d.c.Behind(r.Category, append(r.purposes(), f.Purpose)) {
			outside := func(b Binding) bool { return b.Ended == nil && !b.Brought && !w.Serves(b.Purpose) }
			if !w.Serves(f.Purpose) || slices.ContainsFunc(r.Bindings, outside) {
				return refuse("category_not_permitted", "/data/purpose", beyond(w))
			}
			if !d.admits(w) {
				return refuse("category_not_permitted", "/source", "may not use what is kept apart as "+string(w.ID))
			}
		}
	}
	return d.grown(f.Purpose, "/data/purpose")
}

// copied keeps what lies behind a wall in its places.
func (d *decision) copied(f *events.Moved) *events.Refusal {
	if r := d.take(&f.Selector, "record_unknown", "", nil); r != nil {
		return r
	}
	for _, n := range f.Of {
		for _, w := range d.s.Record(n).Walls(d.c) {
			if !w.Holds(f.Location) {
				return refuse("category_not_permitted", "/data/location", "is no place for what is kept apart as "+string(w.ID))
			}
		}
	}
	return nil
}

// mayLeave asks whether what is selected may be handed over by this source, and on this basis.
func (d *decision) mayLeave(f *events.Transferred) *events.Refusal {
	for _, n := range f.Of {
		for _, w := range d.s.Record(n).Walls(d.c) {
			switch {
			case !w.Serves(f.Purpose):
				return refuse("category_not_permitted", "/data/purpose", beyond(w))
			case !d.admits(w):
				return refuse("category_not_permitted", "/source", "may not hand over what is kept apart as "+string(w.ID))
			case f.Kind == "third_party" && !w.Provides(f.Basis):
				return refuse("category_not_permitted", "/data/basis", "is no basis on which a third party may have what is kept apart as "+string(w.ID))
			}
		}
	}
	return nil
}
