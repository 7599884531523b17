// Package obligations lists every sentence of the published policy that binds the company. Tests carry the numbers in their
// names, and the list is printed with the evidence of what the system does about each.
package obligations

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// Obligation is one sentence of the policy. A duty must be kept; a permission binds by its limits; an information is to be
// there for people to read.
type Obligation struct {
	ID      string `json:"id"` // S1…S89, in the order of the policy
	Section string `json:"section"`
	Kind    string `json:"kind"` // duty, permission, information
	Text    string `json:"text"` // what the company does
	Law     string `json:"law,omitempty"`
}

//go:embed obligations.json
var data []byte

var list = sync.OnceValues(func() (all []Obligation, err error) {
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("the embedded obligations: %w", err)
	}
	return all, nil
})

// All are the obligations in the order of the policy.
func All() ([]Obligation, error) {
	all, err := list()
	return slices.Clone(all), err
}
