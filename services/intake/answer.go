package intake

import (
	"errors"
	"net/http"

	"github.com/daicho-dev/daicho/contracts"
)

// Answer is what an emitter is told of its events, by whichever way they came: a status as HTTP counts, and what is written as JSON.
func Answer(receipts []contracts.Receipt, single bool) (status int, body any) {
	if !single {
		return http.StatusOK, contracts.Receipts{Results: receipts}
	}
	switch one := receipts[0]; one.Status {
	case contracts.StatusRecorded:
		return http.StatusCreated, one
	case contracts.StatusDuplicate:
		return http.StatusOK, one
	default:
		return http.StatusUnprocessableEntity, contracts.Refused("The event is refused", one)
	}
}

// Problem is what an emitter is told of an error. Of the engine's own faults (internal) it learns nothing but what to do; whoever answers
// writes them to the engine's log.
func Problem(err error) (p *contracts.Problem, internal bool) {
	var body *ErrBody
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.As(err, &body):
		return &contracts.Problem{Type: "about:blank", Title: "The request cannot be read", Status: 400, Code: "body", Detail: body.Text}, false
	case errors.Is(err, ErrClosing):
		return &contracts.Problem{Type: "about:blank", Title: "Stopping", Status: 503, Code: "stopping", Detail: "the engine is stopping; nothing was recorded; send it again"}, false
	case errors.Is(err, ErrNoPolicy):
		return &contracts.Problem{Type: "about:blank", Title: "Not ready", Status: 503, Code: "starting", Detail: "no policy has been published in this register yet: the process that serves the office publishes the first one; send it again then"}, false
	case errors.Is(err, contracts.ErrNotLevel):
		return &contracts.Problem{Type: "about:blank", Title: "Not ready", Status: 503, Code: "starting", Detail: "the vault is carrying out deletions that it has missed"}, false
	}
	return &contracts.Problem{Type: "about:blank", Title: "The engine failed", Status: 500, Code: "internal", Detail: "the engine's log says what happened; if events were sent, send them again: what was recorded will be a duplicate"}, true
}

// Unknown is what somebody is told whose token is missing, or is none of ours.
func Unknown(detail string) *contracts.Problem {
	return &contracts.Problem{Type: "about:blank", Title: "Who asks?", Status: 401, Code: "token", Detail: detail}
}
