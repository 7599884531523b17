// Package outbox reads a company's own transactional outbox in PostgreSQL, as a Subscriber of watermill: an application writes what
// happened into a table in the transaction in which it happened, and what this package has handed over and seen acknowledged, it deletes
// there.
//
// The life of a row here. Rows are read in order, some hundreds at a time, and handed over as messages, all before the first is settled.
// When every one is settled, those that were acknowledged are deleted, and the next are read: a row is deleted after it was recorded, and
// never before, so that a crash between the two only hands it over once more. One process reads a table (an advisory lock of the session
// says so). Nothing is written to the table but these deletions, and no cursor is kept: a row whose transaction ends late is not missed.
//
// Two forms of table are read, told apart by their columns. Debezium's outbox (id, aggregatetype, aggregateid, type, payload) with a column
// that says the order and one that says when: the row is a CloudEvent. And the tables of watermill-sql (offset, uuid, payload, metadata),
// with or without the envelope of watermill's forwarder: the payload is the message, the metadata its headers.
//
// watermill-sql's own Subscriber is not used: it waits for each row's acknowledgement before it hands over the next, inside one transaction,
// loses rows of a batch when it is closed, and keeps what was delivered.
package outbox
