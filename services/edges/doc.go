// Package edges takes in what does not come over HTTP: events on NATS, and those that a company's application has put into an outbox table
// of its own database.
//
// The life of a message here. A watermill Subscriber hands it over (infra/natsbus, infra/outbox). What has come goes to the gateway
// together, in the order in which it came, and is on disk when the gateway answers; then each message is settled. Whoever asked is answered
// as over HTTP. A message that its sender keeps until it is acknowledged (a work queue, an outbox) is acknowledged when every event of it is
// recorded, a duplicate, or refused; what the engine could not do is tried again in its place, so that nothing later overtakes it. Poison,
// which cannot be read as events or cannot be decided while the engine works, goes into the sealed quarantine with its reason.
//
// watermill's Router is not used: it hands each message to a goroutine of its own, and two events about one person would race. Its
// PoisonQueue copies error texts and clear payloads to another topic; ours is the vault.
package edges
