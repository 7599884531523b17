package recipients

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// own is what this service alone knows: how far it has read the log, and how far each recipient has been told of each recall. What is
// still to be told is what the log has asked beyond that; there is no queue besides.
type own struct{ db contracts.Database }

var ownSchema = []string{
	`create table if not exists progress (id integer primary key, position bigint not null)`,
	// told: the position of the last asking that the recipient has taken, 0 if none. tried: the position of the last one that was tried.
	`create table if not exists notices (recall text primary key, told bigint not null, tried bigint not null, attempts bigint not null, at bigint not null,
		poisoned bigint not null, reason text not null)`,
}

func openOwn(ctx context.Context, db contracts.Database) (*own, error) {
	if err := db.Make(ctx, ownSchema...); err != nil {
		return nil, fmt.Errorf("preparing the store of notices: %w", err)
	}
	return &own{db}, nil
}

func (o *own) position(ctx context.Context) (events.Position, error) {
	var at int64
	err := o.db.Read.QueryRowContext(ctx, `select position from progress where id = 1`).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("reading the position of the recipients' service: %w", err)
	}
	return events.Position(at), nil
}

func (o *own) move(ctx context.Context, to events.Position) error {
	if _, err := o.db.Write.ExecContext(ctx, `insert into progress (id, position) values (1, $1) on conflict (id) do update set position = excluded.position`, int64(to)); err != nil {
		return fmt.Errorf("writing the position of the recipients' service: %w", err)
	}
	return nil
}

// notice is how far a recipient has been told of one recall.
type notice struct {
	told, tried events.Position
	attempts    int       // since the last success
	at          time.Time // of the last attempt
	poisoned    bool      // given up: a person has to look at it
	reason      string
}

func (o *own) notices(ctx context.Context) (map[events.ID]notice, error) {
	rows, err := o.db.Read.QueryContext(ctx, `select recall, told, tried, attempts, at, poisoned, reason from notices`)
	if err != nil {
		return nil, fmt.Errorf("reading notices: %w", err)
	}
	defer rows.Close()
	all := map[events.ID]notice{}
	for rows.Next() {
		var recall events.ID
		var n notice
		var told, tried, at int64
		if err := rows.Scan(&recall, &told, &tried, &n.attempts, &at, &n.poisoned, &n.reason); err != nil {
			return nil, fmt.Errorf("reading notices: %w", err)
		}
		n.told, n.tried = events.Position(told), events.Position(tried)
		if at > 0 {
			n.at = time.UnixMilli(at).UTC()
		}
		all[recall] = n
	}
	return all, rows.Err()
}

func (o *own) write(ctx context.Context, what, query string, args ...any) error {
	if _, err := o.db.Write.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("writing %s: %w", what, err)
	}
	return nil
}

// attempted notes a try that failed.
func (o *own) attempted(ctx context.Context, recall events.ID, upTo events.Position, at time.Time, reason string) error {
	return o.write(ctx, "a notice", `insert into notices (recall, told, tried, attempts, at, poisoned, reason) values ($1, 0, $2, 1, $3, 0, $4)
		on conflict (recall) do update set tried = excluded.tried, attempts = notices.attempts + 1, at = excluded.at, reason = excluded.reason`,
		string(recall), int64(upTo), at.UnixMilli(), reason)
}

// taken notes that a recipient has been told.
func (o *own) taken(ctx context.Context, recall events.ID, upTo events.Position, at time.Time) error {
	return o.write(ctx, "a notice", `insert into notices (recall, told, tried, attempts, at, poisoned, reason) values ($1, $2, $2, 0, $3, 0, '')
		on conflict (recall) do update set told = excluded.told, tried = excluded.tried, attempts = 0, at = excluded.at, poisoned = 0, reason = ''`,
		string(recall), int64(upTo), at.UnixMilli())
}

// poisoned notes that a notice was given up.
func (o *own) poisoned(ctx context.Context, recall events.ID) error {
	return o.write(ctx, "a notice", `update notices set poisoned = 1 where recall = $1`, string(recall))
}

// again lets a notice be tried again.
func (o *own) again(ctx context.Context, recall events.ID) error {
	return o.write(ctx, "a notice", `update notices set poisoned = 0, attempts = 0 where recall = $1`, string(recall))
}
