// Package statements writes what the company says of its handling of personal data: to the public, the page of its policy; to an
// authority, the record of processing activities. Both are made from the catalogue in force and from what the log says of versions,
// recipients and datasets, and from nothing else: what the company has not supplied is left open and listed, never invented.
//
// Everything here is pure. The page's own words are in words.json, in each of its languages.
package statements
