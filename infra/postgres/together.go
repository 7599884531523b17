package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/daicho-dev/daicho/contracts"
)

// Together is a durable schema that several processes have open at once: each takes its lease shared, so that nobody who wants it alone
// gets in beside them, nor they beside somebody who has it alone (ErrStandby). What they write must hold whatever the others write:
// statements that compare and swap, and transactions that begin by waiting for their Turn. It is not rebuilt beside.
func (s *Server) Together(name string) contracts.Place {
	return &schema{server: s, name: "daicho_" + name, durable: true, together: true}
}

// Turn is a statement by which a transaction waits until no other one has its turn in a schema.
func (s *Server) Turn(name string) string {
	return fmt.Sprintf("select pg_advisory_xact_lock(%d)", lockOf("turn", "daicho_"+name))
}

// lockOf is the number of an advisory lock about a schema.
func lockOf(what, schema string) int64 {
	sum := sha256.Sum256([]byte("daicho " + what + " of " + schema))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// share takes the lease beside others, and makes the schema where it is not there.
func (l *lease) share(ctx context.Context, c *pgx.Conn) error {
	var ours bool
	err := c.QueryRow(ctx, `select pg_try_advisory_lock_shared($1)`, lockOf("lease", l.schema)).Scan(&ours)
	switch {
	case err != nil:
		err = fmt.Errorf("taking the lease: %w", err)
	case !ours:
		err = contracts.ErrStandby
	default:
		// One at a time: of two who make a schema at once, the second would fail.
		for _, q := range []string{
			fmt.Sprintf(`select pg_advisory_lock(%d)`, lockOf("turn", l.schema)), `create schema if not exists ` + quoted(l.schema),
			fmt.Sprintf(`select pg_advisory_unlock(%d)`, lockOf("turn", l.schema)),
		} {
			if _, err = c.Exec(ctx, q); err != nil {
				err = fmt.Errorf("making the schema: %w", err)
				break
			}
		}
	}
	if err != nil {
		_ = c.Close(context.WithoutCancel(ctx))
	}
	return err
}
