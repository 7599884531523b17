package intake

import (
	"context"
	"testing"
	"time"
)

// closes is a context that is cancelled between two looks at it.
type closes struct {
	context.Context
	looks int
}

func (c *closes) Err() error {
	if c.looks--; c.looks >= 0 {
		return nil
	}
	return context.Canceled
}

// Whenever a gateway is closed, its sequence ends.
func TestASequenceEndsWheneverItIsClosed(t *testing.T) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for looks := range 6 {
		g := &Gateway{queue: make(chan []*item, 1), done: make(chan struct{})}
		ended := make(chan struct{})
		go func() {
			g.sequence(&closes{gone, looks})
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatalf("closed after %d looks, it waits for ever", looks)
		}
	}
}
