// Package historytest makes histories of people at random, for property tests of whatever folds them: the rules themselves, and
// the projections.
//
// A Maker tells events to the real decisions (person.Decide), one after the other, and records what they accept, the way that
// intake does: values sealed (here: replaced by a box that says nothing), ordinals as decided, recalls before the deletion that
// asks for them. So every history is one that the register could have. Equal seeds give equal histories.
package historytest
