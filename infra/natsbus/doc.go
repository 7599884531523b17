// Package natsbus is NATS as a bus of watermill: a Publisher and a Subscriber over nats.go, a Subscriber of a JetStream work queue, and a
// server of our own that emitters may reach.
//
// The life of a message here. A Subscriber hands messages over in the order in which the server gave them, many before the first is
// acknowledged, so that whoever takes them may record them as one group; it never hands one over twice by itself. Headers become metadata;
// where the message came from and who waits for an answer stand in the metadata too (Subject, Reply), and no sender can write these. A
// message of a work queue stays with the server until it is acknowledged; while it is decided the server is told so, and what is not
// acknowledged when a queue is opened comes again before anything newer.
//
// watermill-nats is not used: its package for JetStream panics when a subscription ends with messages in flight, and neither of its
// packages keeps an order with more than one message in flight.
package natsbus
