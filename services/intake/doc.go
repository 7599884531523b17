// Package intake is the one way in: everything that is recorded, by emitters, by staff and by Daicho's own services, goes
// through Gateway.Submit.
//
// The life of a submission: it is read strictly (cloudevents.go), waits its turn behind earlier submissions about the same
// person (queue.go), is decided together with others as a group (group.go): identifiers become pseudonyms, keys become tags,
// person.Decide says what is recorded, values are sealed; the group is appended to the log in one call, and only when the log has
// it on disk is anybody answered. A write that met a stream which had moved is decided again. The state of each person that
// decisions rest on is kept beside (states.go) and can be rebuilt from the log.
package intake
