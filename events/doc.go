// Package events holds the facts that Daicho remembers, as they are stored, and nothing that acts.
//
// A fact is a Go struct per event type, and the type of a field says what becomes of what it carries:
//
//	Word      a word that the catalogue defines. Stored in the clear.
//	Key       an emitter's own name for something of one person (a record key, a matter). Stored as a tag.
//	Identity  another person, or a staff member. Stored as a pseudonym.
//	Secret    a value. Stored sealed, under a key that can be destroyed.
//	Text      words about the organisation that name nobody. Stored in the clear.
//
// There is no other way to carry text in a fact (a test sees to it), so a new event type cannot leak by being forgotten.
// The same struct serves what an emitter submits and what the log keeps; fields marked `daicho:"engine"` are filled in by
// the decision and refused from outside, fields marked `daicho:"submitted"` are replaced by it.
//
// The rooms beside this one: policy (the catalogue and the calendar), person (what is known of one person, and the
// decision), organisation (recipients and policy versions).
package events
