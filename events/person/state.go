// Package person is what the register knows of one person, and what may be recorded next.
//
// State is the fold of a person's stream: it decides (decide.go), it says what is due (deadlines.go), and read on its own it
// is the heart of a dossier. It holds no value and no outside name: ordinals, tags, times and words of the catalogue.
package person

import (
	"encoding/binary"
	"slices"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// State is one person, as far as their stream has been read. The zero State is nobody.
type State struct {
	Revision events.Revision `json:"rev,omitzero"`
	Position events.Position `json:"pos,omitzero"`  // of the last event applied
	Next     events.Ordinal  `json:"next,omitzero"` // the last ordinal given; the next value takes the one after

	Kind     events.Word    `json:"kind,omitzero"`
	Country  events.Country `json:"country,omitzero"`
	Minor    bool           `json:"minor,omitzero"`
	Majority events.Month   `json:"majority,omitzero"` // of a minor: the month of majority by the policy's table
	Told     policy.Mark    `json:"told,omitzero"`     // the collection that told kind and country
	ToldAge  policy.Mark    `json:"toldAge,omitzero"`  // the one that told the age

	Records   []Record             `json:"records,omitempty"` // in the order of their ordinals; gone ones stay, as a name
	Matters   map[events.Key]Marks `json:"matters,omitempty"`
	Own       Marks                `json:"own,omitempty"` // milestones without a matter
	Consents  []Consent            `json:"consents,omitempty"`
	Holds     []Hold               `json:"holds,omitempty"`
	Links     []Link               `json:"links,omitempty"`
	Recalls   []Recall             `json:"recalls,omitempty"` // what recipients were asked to give back or destroy
	Notes     []Note               `json:"notes,omitempty"`
	Refused   []events.Word        `json:"refused,omitempty"`   // channels on which tracking is refused
	Announced []Announcement       `json:"announced,omitempty"` // of recordings, the last ones
	Contact   policy.Mark          `json:"contact,omitzero"`    // last contact or transaction
	Provision policy.Mark          `json:"provision,omitzero"`  // to a third party, or from one: the last of which the law wants a record (APPI 29, 30)
	Gone      *policy.Mark         `json:"gone,omitempty"`      // everything was deleted
	Seen      Seen                 `json:"seen,omitempty"`
}

// Marks are events by word: the last of each milestone, and under "" the last event of any kind.
type Marks map[events.Word]policy.Mark

// Record is one record: a key of the emitter's, a category, and the ordinal of its current value.
type Record struct {
	N         events.Ordinal   `json:"n"`
	Value     events.Ordinal   `json:"v"` // the current value's leaf
	Key       events.Key       `json:"k"` // a tag
	Category  events.Word      `json:"c"`
	Object    events.ID        `json:"o,omitzero"` // of an attachment: the object that holds it, which goes when the value N goes
	Operation events.Word      `json:"op"`
	Segment   events.Word      `json:"seg"` // first segment of the source that brought it
	Source    string           `json:"src"`
	Matter    events.Key       `json:"m,omitzero"`
	Client    events.Word      `json:"client,omitzero"`
	Processor bool             `json:"proc,omitzero"` // entrusted: held for a client, not the company's own
	Tracker   events.Word      `json:"tr,omitzero"`   // of the inventory, that collected it
	Collected policy.Mark      `json:"at"`
	Kept      []events.Ordinal `json:"kept,omitempty"` // earlier values that a hold kept from destruction
	Bindings  []Binding        `json:"b,omitempty"`
	Locations []Place          `json:"l,omitempty"`
	With      []Place          `json:"w,omitempty"` // recipients
	Suspended bool             `json:"susp,omitzero"`
	Ceased    bool             `json:"ceased,omitzero"` // provision to third parties has ceased
	Gone      *policy.Mark     `json:"gone,omitempty"`
	Cause     events.Word      `json:"cause,omitzero"`
}

// Binding ties a record to a purpose of use.
type Binding struct {
	Purpose events.Word  `json:"p"`
	Basis   events.Word  `json:"b"`
	Since   policy.Mark  `json:"s"`
	Ended   *policy.Mark `json:"e,omitempty"`
	Reason  events.Word  `json:"r,omitzero"`
	Brought bool         `json:"br,omitzero"`
}

// Place is a location or a recipient where a record is, or was.
type Place struct {
	ID      events.Word  `json:"id"`
	Since   policy.Mark  `json:"s"`
	Until   *policy.Mark `json:"u,omitempty"`
	Grounds []Ground     `json:"g,omitempty"` // of a recipient: each transfer's, as long as the record is there
}

// Consent is the last word of the person on a purpose.
type Consent struct {
	Purpose   events.Word  `json:"p"`
	By        events.Word  `json:"by"`
	Notice    events.Word  `json:"n,omitzero"`
	Since     policy.Mark  `json:"s"`
	Withdrawn *policy.Mark `json:"w,omitempty"`
}

// Hold keeps records from disposal for a case.
type Hold struct {
	Case       events.Key       `json:"case"`        // a tag
	Matter     events.Key       `json:"m,omitzero"`  // later records of it are held as well
	Categories []events.Word    `json:"c,omitempty"` // and only those, if any are named
	Of         []events.Ordinal `json:"of"`          // what is held now
	Since      policy.Mark      `json:"s"`
	Released   *policy.Mark     `json:"r,omitempty"`
}

// Link is another pseudonym of the same person.
type Link struct {
	Other events.Pseudonym `json:"o"`
	Since policy.Mark      `json:"s"`
	Until *policy.Mark     `json:"u,omitempty"`
}

// Note is a sealed note of an event (a birthdate, an evidence). It goes when the last record of its event goes.
type Note struct {
	N  events.Ordinal   `json:"n"`
	Of []events.Ordinal `json:"of,omitempty"` // none: it goes with the person
}

// Exists says that the person is known: something about them stands in the log and they have not been forgotten.
func (s *State) Exists() bool { return s.Position > 0 && s.Gone == nil }

// Live says that a record has not been disposed of.
func (r *Record) Live() bool { return r.Gone == nil }

// Bound is the live binding to a purpose, or nil.
func (r *Record) Bound(purpose events.Word) *Binding {
	for i := range r.Bindings {
		if b := &r.Bindings[i]; b.Purpose == purpose && b.Ended == nil {
			return b
		}
	}
	return nil
}

// At is the place as long as the record is there, or nil.
func at(places []Place, id events.Word) *Place {
	for i := range places {
		if p := &places[i]; p.ID == id && p.Until == nil {
			return p
		}
	}
	return nil
}

// Record finds a record by its ordinal, or nil.
func (s *State) Record(n events.Ordinal) *Record {
	i, ok := slices.BinarySearchFunc(s.Records, n, func(r Record, n events.Ordinal) int { return int(int64(r.N) - int64(n)) })
	if !ok {
		return nil
	}
	return &s.Records[i]
}

// Held are the cases that hold a record.
func (s *State) Held(r *Record) []events.Key {
	var cases []events.Key
	for i := range s.Holds {
		if h := &s.Holds[i]; h.Released == nil && slices.Contains(h.Of, r.N) {
			if !slices.Contains(cases, h.Case) {
				cases = append(cases, h.Case)
			}
		}
	}
	return cases
}

// Consented says that a consent to a purpose stands.
func (s *State) Consented(purpose events.Word) *Consent {
	for i := range s.Consents {
		if c := &s.Consents[i]; c.Purpose == purpose && c.Withdrawn == nil {
			return c
		}
	}
	return nil
}

// Seen remembers, for good, where each submission about the person was recorded: (source, id) tag → position, packed as
// 12 bytes of the tag and 8 of the position, in the order of recording.
type Seen []byte

const seenSize = 20

// Find answers where a submission was recorded.
func (s Seen) Find(tag string) (events.Position, bool) {
	t := packed(tag)
	for i := 0; i+seenSize <= len(s); i += seenSize {
		if string(s[i:i+12]) == string(t[:]) {
			return s.position(i), true
		}
	}
	return 0, false
}

func (s Seen) with(tag string, p events.Position) Seen {
	t := packed(tag)
	s = append(s, t[:]...)
	return binary.BigEndian.AppendUint64(s, uint64(p))
}

// position is that of the entry that begins at i.
func (s Seen) position(i int) events.Position {
	return events.Position(binary.BigEndian.Uint64(s[i+12 : i+seenSize]))
}

// packed is the first 12 bytes that a tag of 22 base64url characters stands for, or of any other id what is there.
func packed(tag string) (b [12]byte) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	acc, bits, n := uint(0), 0, 0
	for i := 0; i < len(tag) && n < len(b); i++ {
		d := index(digits, tag[i])
		acc, bits = acc<<6|uint(d), bits+6
		if bits >= 8 {
			bits -= 8
			b[n] = byte(acc >> bits)
			n++
		}
	}
	return b
}

func index(digits string, c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '-':
		return 62
	}
	return len(digits) - 1
}
