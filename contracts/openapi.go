package contracts

import _ "embed"

// OpenAPI is the HTTP contract, OpenAPI 3.1 as JSON: what /openapi.json serves. Its paths are written by hand, its components are the
// answers of this package (internal/generate).
//
//go:embed openapi.json
var OpenAPI []byte
