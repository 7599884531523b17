// Package anonymize makes anonymously processed information (APPI 2(6), 43) out of rows about people: by the steps that a recipe
// declares, measured and judged before anybody gets it.
//
// A Recipe is checked against the policy before any value is opened. Make applies its steps, takes out what would stay too rare, and
// measures the rest; Judge asks the output, not the recipe, whether the five criteria of Rule 34 are met. Everything here is a pure
// function of its arguments: rows come in opened, chance comes in as a generator, and nothing is written anywhere.
//
// People are counted, never named: a row says by a number which person it is about, and that number is no part of the output. k is
// counted in people, not in rows (Sweeney 2002, "k-anonymity"): five rows of one person hide nobody.
package anonymize
