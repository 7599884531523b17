package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/daicho-dev/daicho/contracts"
)

// schema is a place.
type schema struct {
	server   *Server
	name     string
	durable  bool
	together bool // several processes at once; see Together
}

// The table of the lease is not of those that Make has made.
const tables = `select table_name from information_schema.tables where table_schema = current_schema() and table_name <> 'lease' order by table_name`

func (p *schema) Open(ctx context.Context) (contracts.Database, error) {
	l := &lease{schema: p.name, holder: rand.Text()}
	take := l.take
	if p.together {
		take = l.share
	}
	w := p.server.settings(p.name)
	w.RuntimeParams["synchronous_commit"] = "on"
	if !p.durable {
		w.RuntimeParams["synchronous_commit"] = "off"
	}
	r := p.server.settings(p.name)
	r.RuntimeParams["default_transaction_read_only"] = "on"
	db := contracts.Database{
		Write: sql.OpenDB(writers{stdlib.GetConnector(*w, stdlib.OptionAfterConnect(take))}), Read: stdlib.OpenDB(*r), Schema: dialect, Tables: tables,
	}
	db.Write.SetMaxOpenConns(1)
	readers := 2 * runtime.NumCPU()
	db.Read.SetMaxOpenConns(readers)
	db.Read.SetMaxIdleConns(readers)
	db.Read.SetConnMaxIdleTime(5 * time.Minute)
	l.again = func() { // a connection seldom breaks alone: no question is to find out for the others
		db.Read.SetMaxIdleConns(0)
		db.Read.SetMaxIdleConns(readers)
	}
	if err := db.Write.PingContext(ctx); err != nil {
		_ = db.Close()
		return contracts.Database{}, wrap("opening "+p.name, err)
	}
	l.begun.Store(true)
	return db, nil
}

func (p *schema) Beside(ctx context.Context, name string) (contracts.Place, error) {
	beside := &schema{server: p.server, name: p.name + "_" + name, durable: p.durable}
	return beside, beside.Remove(ctx)
}

// Replace runs on the connection that holds the lease, so that nobody takes over between the dropping and the renaming.
func (p *schema) Replace(ctx context.Context, live contracts.Database, beside contracts.Place) (contracts.Database, error) {
	err := swap(ctx, live.Write, p.name, beside.(*schema).name)
	if cerr := live.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return contracts.Database{}, wrap("putting a new "+p.name+" in place", err)
	}
	return p.Open(ctx)
}

func swap(ctx context.Context, db *sql.DB, name, beside string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, q := range []string{
		`drop schema ` + quoted(name) + ` cascade`,
		`alter schema ` + quoted(beside) + ` rename to ` + quoted(name),
	} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Remove takes the lease too: what somebody is at work in is not removed.
func (p *schema) Remove(ctx context.Context) error {
	c, err := pgx.ConnectConfig(ctx, p.server.settings(p.name))
	if err != nil {
		return wrap("removing "+p.name, err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	l := &lease{schema: p.name}
	if err := l.lock(ctx, c); err != nil {
		return wrap("removing "+p.name, err)
	}
	_, err = c.Exec(ctx, `drop schema if exists `+quoted(p.name)+` cascade`)
	giveUp(c)
	return wrap("removing "+p.name, err)
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
