package outbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
)

const (
	together  = 500                    // rows that are read at once
	lookEvery = 200 * time.Millisecond // for new rows
	patience  = 10 * time.Second       // with the database
)

// Table is an outbox to read: a message.Subscriber whose topics are tables (name, or schema.name).
type Table struct {
	config *pgx.ConnConfig
	order  string // the column by which rows of Debezium's form follow each other; empty: position
	logf   func(string, ...any)
}

var _ message.Subscriber = (*Table)(nil)

// Open prepares to read in the database at a URL (postgres://…); nothing is connected yet. What travels is clear personal data, so that a
// database on another machine is spoken to over TLS only.
func Open(url, order string, logf func(string, ...any)) (*Table, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("outbox: the address of the database cannot be read; it is postgres://user@host:port/database")
	}
	clear := config.TLSConfig == nil && away(config.Host)
	for _, f := range config.Fallbacks {
		clear = clear || f.TLSConfig == nil && away(f.Host)
	}
	if clear {
		return nil, errors.New("outbox: a database on another machine is spoken to over TLS: give sslmode=verify-full, or require")
	}
	if logf == nil {
		logf = func(string, ...any) {}
	}
	return &Table{config, order, logf}, nil
}

// away says whether a host is neither a socket's folder nor this machine.
func away(host string) bool {
	ip := net.ParseIP(host)
	return !strings.HasPrefix(host, "/") && host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// Subscribe hands over a table's rows. Whoever takes them settles each, also when the context has ended. The channel is closed when the
// context ends, when a message is not acknowledged, and when the database is away: to subscribe again begins with the oldest row.
func (t *Table) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	r, err := t.open(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message, together)
	go func() {
		defer close(out)
		defer r.close()
		for {
			n, err := r.hand(ctx, out)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.logf("outbox: %v", err)
				return
			}
			if n == together {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(lookEvery):
			}
		}
	}()
	return out, nil
}

// Close does nothing: a subscription ends with its context.
func (t *Table) Close() error { return nil }

// reader is one subscription, on one connection.
type reader struct {
	conn   *pgx.Conn
	form   form
	read   string
	delete string
}

func (t *Table) open(ctx context.Context, topic string) (*reader, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, t.config)
	if err != nil {
		return nil, fmt.Errorf("outbox: connecting to its database: %w", err)
	}
	r := &reader{conn: conn}
	if err := r.prepare(ctx, topic, t.order); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *reader) prepare(ctx context.Context, topic, order string) error {
	var alone bool
	if err := r.conn.QueryRow(ctx, `select pg_try_advisory_lock(hashtextextended('daicho outbox ' || $1, 0))`, topic).Scan(&alone); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	if !alone {
		return errors.New("outbox: another process reads this table")
	}
	name := pgx.Identifier(strings.Split(topic, ".")).Sanitize()
	rows, err := r.conn.Query(ctx, `select attname, format_type(atttypid, null) from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`, name)
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	columns := map[string]string{}
	var column, typ string
	if _, err := pgx.ForEachRow(rows, []any{&column, &typ}, func() error { columns[column] = typ; return nil }); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	if len(columns) == 0 {
		return fmt.Errorf("outbox: there is no table %s", name)
	}
	f, err := formOf(columns, order)
	if err != nil {
		return err
	}
	r.form = f
	a, b := quoted(f.key[0]), quoted(f.key[1])
	r.read = `select ` + a + `::text, ` + b + `::text, ` + strings.Join(f.columns, ", ") + ` from ` + name + ` as t order by ` + f.order + ` limit ` + fmt.Sprint(together)
	r.delete = `delete from ` + name + ` as t using unnest($1::text[]::` + columns[f.key[0]] + `[], $2::text[]::` + columns[f.key[1]] + `[]) as k (a, b)
		where t.` + a + ` = k.a and t.` + b + ` is not distinct from k.b`
	return nil
}

// hand gives the oldest rows out, waits until each is settled, and deletes those that were acknowledged.
func (r *reader) hand(ctx context.Context, out chan<- *message.Message) (int, error) {
	keys, messages, err := r.rows(ctx)
	if err != nil {
		return 0, err
	}
	given := 0
	for _, m := range messages {
		select {
		case out <- m: // there is room for all of them
			given++
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
	}
	var done [2][]*string
	for i, m := range messages[:given] {
		select {
		case <-m.Acked():
			done[0], done[1] = append(done[0], keys[i][0]), append(done[1], keys[i][1])
		case <-m.Nacked():
		}
	}
	if len(done[0]) > 0 {
		// Also if the context has ended: what is recorded is not to stay here in the clear.
		pruning, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if _, err := r.conn.Exec(pruning, r.delete, done[0], done[1]); err != nil {
			return 0, fmt.Errorf("deleting rows that are recorded (they are duplicates when they come again): %w", err)
		}
	}
	if len(done[0]) < len(messages) {
		return 0, errors.New("rows were not taken; they come again")
	}
	return len(messages), nil
}

func (r *reader) rows(ctx context.Context) (keys [][2]*string, messages []*message.Message, err error) {
	reading, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := r.conn.Query(reading, r.read)
	if err != nil {
		return nil, nil, fmt.Errorf("reading rows: %w", err)
	}
	var key [2]*string
	values := make([]*string, len(r.form.columns))
	into := []any{&key[0], &key[1]}
	for i := range values {
		into = append(into, &values[i])
	}
	_, err = pgx.ForEachRow(rows, into, func() error {
		keys = append(keys, key)
		m := r.form.message(slices.Clone(values))
		m.SetContext(ctx)
		messages = append(messages, m)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("reading rows: %w", err)
	}
	return keys, messages, nil
}

func (r *reader) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = r.conn.Close(ctx)
}
