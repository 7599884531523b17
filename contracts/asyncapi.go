package contracts

import _ "embed"

// AsyncAPI is the contract over NATS, AsyncAPI 3.0 as YAML. Its event messages are written from the event types.
//
//go:embed asyncapi.yaml
var AsyncAPI []byte
