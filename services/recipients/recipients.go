// Package recipients looks after what has been handed to others: it asks back what lies with a recipient on no ground any more, says when
// a recipient has not confirmed in time, tells recipients by webhook, and answers what lies where.
//
// The life of a recall: something ends the ground of a transfer (a consent is withdrawn, a purpose ends, a contract ends or runs out; a deletion asks
// back by itself, in intake, before the keys go). This service, reading the log, records `recall_requested` under a name that follows from
// the cause, so that a restart asks once. The recipient is told (notices.go), and confirms: by the token of the notice, or through whoever
// records `disposal_confirmed`. Confirmed by its name alone, a recall is then closed in the stream of each person whom it concerns. What is
// not confirmed by its day becomes `recall_overdue`, once; and until it is confirmed, the data counts as being at the recipient.
package recipients

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	projection "github.com/daicho-dev/daicho/projections/recipients"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/register"
)

// Model is the projection at work.
type Model = models.Model[*projection.Recipients]

// Service is the worker and its answers. There is one a log.
type Service struct {
	log      contracts.Log
	vault    contracts.Vault
	gateway  *intake.Gateway
	model    *Model
	own      *own
	register *register.Register // set by Serve
	now      func() time.Time   // the calendar
	send     *sending

	cancel  context.CancelFunc
	wg      sync.WaitGroup
	read    atomic.Uint64         // the log has been reacted to up to here
	follows atomic.Pointer[error] // why reading the log does not go on
	clocks  atomic.Pointer[error] // why looking at the calendar does not
	tells   atomic.Pointer[error] // why nobody is told
}

// New makes the service over its own store. What a power cut takes from it is done again: the same recalls, and notices sent twice.
func New(ctx context.Context, log contracts.Log, vault contracts.Vault, gateway *intake.Gateway, model *Model, db contracts.Database) (*Service, error) {
	o, err := openOwn(ctx, db)
	if err != nil {
		return nil, err
	}
	return &Service{log: log, vault: vault, gateway: gateway, model: model, own: o, now: time.Now, send: newSending()}, nil
}

// source is where this service's events come from.
const source = "/daicho/recipients"

// event is one of this service's own, about a stream, with the id that its cause gives it.
func event(typ string, st events.Stream, f events.Fact, id string) intake.Submission {
	s := intake.Own(typ, st, f)
	s.ID, s.Source = id, source
	return s
}

// name is what a recall is called: it follows from what caused it, so that asking again after a crash is the same recall, and tells nobody
// anything.
func (s *Service) name(cause events.Position, recipient events.Word, part int) events.ID {
	sum := sha256.Sum256([]byte(s.vault.Peppered("recall", fmt.Sprintf("%v\x00%s\x00%d", cause, recipient, part))))
	return events.ID(strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])[:26]))
}
