package main

import (
	"context"
	"os"
	"syscall"

	"github.com/daicho-dev/daicho/contracts"
)

// A start looks at some people (a vault that does not belong to the log lacks all of them); `daicho verify` looks at everybody.
const startSample = 1000

// keysThere refuses to start when living people have lost their keys: an unplanned loss is damage that may have to be reported
// (APPI 26), and going on silently would hide it.
func (e *Engine) keysThere(ctx context.Context) error {
	living, err := e.gateway.Living(ctx, startSample)
	if err != nil {
		return err
	}
	keys, err := e.vault.Keys(ctx, living)
	if err != nil {
		return err
	}
	lost := 0
	for _, k := range keys {
		if k == nil {
			lost++
		}
	}
	if lost > 0 && !e.cfg.AcceptLost {
		return contracts.ErrMissingKeys
	}
	if lost > 0 {
		e.logger.Error().Int("people", lost).Msg("people have lost their keys: their values cannot be opened any more; this is a loss of data that may have to be reported")
	}
	return nil
}

// die ends the process as a power cut would; tests of what a crash leaves ask for it.
func die() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }
