// Package estest is a small server that speaks EventStoreDB's gRPC protocol over a log in memory, for tests where no real server can run.
//
// It keeps to what the protocol's documentation and the server's behaviour promise, as far as this engine's adapter can tell a
// difference: one log whose positions are places in a file (with gaps, and with system events in between), expected versions and
// idempotent appends, refusals in the protocol's own words, filtered reading in windows, subscriptions with checkpoints that say when
// they have caught up, a cluster that knows one leader, credentials and TLS. Nothing is ever deleted here: a delete is refused.
//
// Whatever is needed to test what goes wrong is a method of Cluster: nodes stop and come back, the leader changes, answers get lost.
package estest
