package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/daicho-dev/daicho/contracts"
)

// lease is the right to write in a schema. The connection that writes holds it, as an advisory lock of its session: it goes when the
// connection goes, however that happens, and no clock has a part in it.
//
// A connection that is made again takes it again. Meanwhile somebody else may have had it: each who begins writes a name of their own
// into the schema, and who comes back and finds another there has been superseded.
type lease struct {
	schema string
	holder string
	begun  atomic.Bool // the first connection has been made
	again  func()      // called when it has been taken again
}

func (l *lease) take(ctx context.Context, c *pgx.Conn) error {
	err := l.lock(ctx, c)
	if err == nil {
		if l.begun.Load() {
			if err = l.resume(ctx, c); err == nil {
				l.again()
			}
		} else {
			err = l.begin(ctx, c)
		}
	}
	if err != nil {
		_ = c.Close(context.WithoutCancel(ctx))
	}
	return err
}

// patience is for one's own connection that broke a moment ago: the server may not have ended it yet.
const patience = 2 * time.Second

func (l *lease) lock(ctx context.Context, c *pgx.Conn) error {
	key := lockOf("lease", l.schema)
	for began := time.Now(); ; {
		var ours bool
		if err := c.QueryRow(ctx, `select pg_try_advisory_lock($1)`, key).Scan(&ours); err != nil {
			return fmt.Errorf("taking the lease: %w", err)
		}
		switch {
		case ours:
			return nil
		case !l.begun.Load():
			return contracts.ErrStandby
		}
		if err := l.resume(ctx, c); err != nil { // somebody else has it, and has said so
			return err
		}
		if time.Since(began) > patience {
			return contracts.ErrStandby
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// giveUp lets the lease go: the server ends a session some time after it was closed, and whoever asks in between is to have it.
func giveUp(c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, _ = c.Exec(ctx, `select pg_advisory_unlock_all()`) // on a broken connection the server does it
}

// writers connects what gives its lease up when it is closed.
type writers struct{ driver.Connector }

func (w writers) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return writer{c.(*stdlib.Conn)}, nil
}

type writer struct{ *stdlib.Conn }

func (w writer) Close() error {
	if c := w.Conn.Conn(); !c.IsClosed() {
		giveUp(c)
	}
	return w.Conn.Close()
}

func (l *lease) begin(ctx context.Context, c *pgx.Conn) error {
	for _, q := range []string{
		`create schema if not exists ` + quoted(l.schema),
		`create table if not exists lease (holder text not null)`,
		`delete from lease`,
	} {
		if _, err := c.Exec(ctx, q); err != nil {
			return fmt.Errorf("making the schema: %w", err)
		}
	}
	if _, err := c.Exec(ctx, `insert into lease (holder) values ($1)`, l.holder); err != nil {
		return fmt.Errorf("writing the lease: %w", err)
	}
	return nil
}

// resume looks whether it is still this one's. A schema that has gone, or that a rebuild of another instance has replaced, is not.
func (l *lease) resume(ctx context.Context, c *pgx.Conn) error {
	var holder string
	err := c.QueryRow(ctx, `select holder from lease`).Scan(&holder)
	var state *pgconn.PgError
	switch {
	case err == nil && holder == l.holder:
		return nil
	case err == nil, errors.Is(err, pgx.ErrNoRows), errors.As(err, &state) && state.Code == "42P01": // undefined table
		return contracts.ErrSuperseded
	}
	return fmt.Errorf("reading the lease: %w", err)
}
