//go:build race

package e2e

// The binary under test looks for races when the test does.
var raceFlag = []string{"-race"}
