// Package contracts is what the parts of Daicho promise each other, and what the world is promised: the interfaces between
// the rooms, the answers to questions, and beside them the JSON Schemas, AsyncAPI, OpenAPI and policy files.
//
// Each interface carries its promise as its comment, and has a suite that every implementation passes (logtest, vaulttest).
package contracts
