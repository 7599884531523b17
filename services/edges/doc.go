// Package edges takes in what does not come over HTTP: events on NATS, and those that a company's application has put into an outbox table
// of its own database.
//
// The life of a message here. A watermill Subscriber hands it over (infra/natsbus, infra/outbox). What has come goes to the gateway
// together, in the order in which it came, and is on disk when the gateway answers; then each message is settled. Whoever asked is answered
// as over HTTP. A message that its sender keeps until it is acknowledged (a work queue, an outbox) is acknowledged when every event of it is
// recorded, a duplicate, or refused; what the engine could not do is tried again in its place, so that nothing later overtakes it. Poison,
// which cannot be read as events or cannot be decided while the engine works, goes into the sealed quarantine with its reason.
//
// An attachment's bytes come over HTTP, before the event that names them (services/attachments). Who comes with a token may claim what the
// token's holder has sent; a message without one, from an outbox or by a server's permissions, what was sent by a holder who may write under
// its source. Bytes that are not there refuse the event, as over HTTP: it is settled, and kept in the quarantine.
//
// watermill's Router is not used: it hands each message to a goroutine of its own, and two events about one person would race. Its
// PoisonQueue copies error texts and clear payloads to another topic; ours is the vault.
package edges
