package recipients

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Kinds of records of provision.
const (
	Provided = "provided" // APPI 29
	Received = "received" // APPI 30
)

// Recall is one recall, over everybody whom it concerns.
type Recall struct {
	ID        events.ID
	Recipient events.Word
	Asked     time.Time
	Due       events.Day
	People    int
	Records   int
	Left      int             // records that the recipient has not confirmed
	Overdue   bool            // the log says so of somebody
	Confirmed time.Time       // of the last record, once none is left
	UpTo      events.Position // of the last event that asks for something
}

// Which recalls a question is about. The zero Which is all of them.
type Which struct {
	ID        events.ID
	Recipient events.Word
	Open      bool       // something is left
	DueBefore events.Day // and the day for it was before this one
	After     events.Position
	Limit     int // none: all
}

// Recalls are those asked for, in the order in which they were last asked.
func (r *Recipients) Recalls(ctx context.Context, w Which) ([]Recall, error) {
	if w.Limit <= 0 {
		w.Limit = math.MaxInt32
	}
	// Of the people of one recall the first due day is what counts; recalls are few, records of one some thousands at most.
	rows, err := r.Read.QueryContext(ctx, `select r.recall, r.recipient, min(r.asked), min(r.due), count(*), sum(a.records), sum(a.left_), max(r.overdue), max(a.confirmed), max(r.position) as upto
		from recalls r join (select recall, person, count(*) as records, sum(case when confirmed = 0 then 1 else 0 end) as left_, max(confirmed) as confirmed
			from asked where ($1 = '' or recall = $1) and ($3 = 0 or recall in (select recall from asked where confirmed = 0)) group by recall, person) a
			on a.recall = r.recall and a.person = r.person
		where ($2 = '' or r.recipient = $2) group by r.recall, r.recipient
		having ($3 = 0 or sum(a.left_) > 0) and ($4 = '' or min(r.due) < $4) and max(r.position) > $5 order by upto limit $6`,
		string(w.ID), string(w.Recipient), bit(w.Open), string(w.DueBefore), int64(w.After), w.Limit)
	if err != nil {
		return nil, fmt.Errorf("reading recalls: %w", err)
	}
	defer rows.Close()
	var all []Recall
	for rows.Next() {
		var x Recall
		var asked, overdue, confirmed, upto int64
		if err := rows.Scan(&x.ID, &x.Recipient, &asked, &x.Due, &x.People, &x.Records, &x.Left, &overdue, &confirmed, &upto); err != nil {
			return nil, fmt.Errorf("reading recalls: %w", err)
		}
		x.Asked, x.Overdue, x.UpTo = time.UnixMilli(asked).UTC(), overdue > 0, events.Position(upto)
		if x.Left == 0 {
			x.Confirmed = time.UnixMilli(confirmed).UTC()
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Part is what a recall asks for of one person.
type Part struct {
	Person  events.Pseudonym
	Left    []events.Ordinal // not confirmed
	Overdue bool
}

// Parts are the people of a recall of whom something is left of what was asked up to a position, in the order of pseudonyms.
func (r *Recipients) Parts(ctx context.Context, recall events.ID, upTo events.Position) ([]Part, error) {
	rows, err := r.Read.QueryContext(ctx, `select a.person, a.record, r.overdue from asked a join recalls r on r.recall = a.recall and r.person = a.person
		where a.recall = $1 and a.confirmed = 0 and r.position <= $2 order by a.person, a.record`, string(recall), int64(min(upTo, 1<<62)))
	if err != nil {
		return nil, fmt.Errorf("reading a recall: %w", err)
	}
	defer rows.Close()
	var all []Part
	for rows.Next() {
		var person events.Pseudonym
		var record, overdue int64
		if err := rows.Scan(&person, &record, &overdue); err != nil {
			return nil, fmt.Errorf("reading a recall: %w", err)
		}
		if len(all) == 0 || all[len(all)-1].Person != person {
			all = append(all, Part{Person: person, Overdue: overdue > 0})
		}
		last := &all[len(all)-1]
		last.Left = append(last.Left, events.Ordinal(record))
	}
	return all, rows.Err()
}

// Reached are the people of whom a recipient was ever handed something, after one, in the order of pseudonyms.
func (r *Recipients) Reached(ctx context.Context, recipient events.Word, after events.Pseudonym, limit int) ([]events.Pseudonym, error) {
	rows, err := r.Read.QueryContext(ctx, `select person from reached where recipient = $1 and person > $2 order by person limit $3`, string(recipient), string(after), limit)
	if err != nil {
		return nil, fmt.Errorf("reading whom a recipient was handed something of: %w", err)
	}
	defer rows.Close()
	var all []events.Pseudonym
	for rows.Next() {
		var p events.Pseudonym
		if err := rows.Scan(&p); err != nil {
			return nil, fmt.Errorf("reading whom a recipient was handed something of: %w", err)
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// Provision is where a record of provision stands in the log.
type Provision struct {
	Position  events.Position
	Kind      string
	Person    events.Pseudonym
	Recipient events.Word
	Made      time.Time
	Contract  events.Key
	Last      time.Time // of a provision under the same contract with the person; zero where no contract is named
}

// ProvisionQuestion narrows records of provision. The zero question asks for all of them.
type ProvisionQuestion struct {
	Person    events.Pseudonym
	Recipient events.Word
	Kind      string
	After     events.Position
	Limit     int
}

// Provisions are the records asked for, in the order of the log.
func (r *Recipients) Provisions(ctx context.Context, q ProvisionQuestion) ([]Provision, error) {
	if q.Limit <= 0 {
		q.Limit = math.MaxInt32
	}
	rows, err := r.Read.QueryContext(ctx, `select position, kind, person, recipient, made, contract,
			case when contract = '' then 0 else (select max(o.made) from provisions o where o.person = p.person and o.contract = p.contract) end
		from provisions p where ($1 = '' or person = $1) and ($2 = '' or recipient = $2) and ($3 = '' or kind = $3) and position > $4 order by position limit $5`,
		string(q.Person), string(q.Recipient), q.Kind, int64(q.After), q.Limit)
	if err != nil {
		return nil, fmt.Errorf("reading records of provision: %w", err)
	}
	defer rows.Close()
	var all []Provision
	for rows.Next() {
		var x Provision
		var position, made, last int64
		if err := rows.Scan(&position, &x.Kind, &x.Person, &x.Recipient, &made, &x.Contract, &last); err != nil {
			return nil, fmt.Errorf("reading records of provision: %w", err)
		}
		x.Position, x.Made = events.Position(position), time.UnixMilli(made).UTC()
		if last > 0 {
			x.Last = time.UnixMilli(last).UTC()
		}
		all = append(all, x)
	}
	return all, rows.Err()
}
