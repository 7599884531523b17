// Package e2e tests the engine as its users meet it: the real binary, its real files, HTTP, and kill -9.
package e2e
