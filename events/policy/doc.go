// Package policy reads the catalogue: what the company has promised about personal data, as data. It answers, without a clock
// and without I/O, which category a purpose permits, on which basis, who is a minor, and on which civil day a record is due.
//
// The catalogue is a JSON document. Everything in it that can change with a law, a decision or a reorganisation is a row there
// and not a line here; a row that rests on a law names it, and one that rests on a decision of ours says `assumption`.
package policy
