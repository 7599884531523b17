// Package disposal acts on what retention finds: what neither a purpose nor a law binds any more is disposed of, exactly as approved.
//
// The life of a disposal: Plan asks the retention model what may go, keeps the list in a store of its own (list.go) and records its
// digest (disposal_planned). Somebody else approves that digest (disposal_approved). Run (run.go) compares the list with the digest, and
// asks intake to delete each record in the disposal's name; the rules look at each record once more as they decide, so that a hold, a new
// purpose or a record that came since stops its deletion, and nothing has to be checked beforehand. The keeper destroys the keys; when the
// log says so of all, disposal_executed tells what was disposed of and why not the rest. What a hold stops, waits: once it is released,
// watch.go lets the disposal finish. A certificate (certificate.go) is read from the log alone, and can be checked against it.
//
// A crash anywhere is harmless: what has been deleted stands in the log, and a run goes on with the rest. Should the list be lost, nothing
// can be disposed of in its name.
package disposal
