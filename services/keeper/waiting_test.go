package keeper

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// What is to be destroyed is waited for from when the log took it, the oldest first; what asks for no destruction is not counted.
func TestWaitingIsCountedFromTheOldest(t *testing.T) {
	k := &Keeper{wake: make(chan struct{}, 1)}
	if n, oldest := k.Waiting(); n != 0 || !oldest.IsZero() {
		t.Errorf("at first %d wait, since %v", n, oldest)
	}
	asked := func(typ string, f events.Fact, at time.Time) events.Event {
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return events.Event{Position: 1, Type: typ, Stream: events.PersonStream("p"), Data: b, Recorded: at}
	}
	hour := time.Now().Add(-time.Hour)
	k.Take([]events.Event{
		asked(events.TypeDeleted, &events.Deleted{Person: true}, time.Time{}),
		asked(events.TypeDeleted, &events.Deleted{Person: true}, hour),
		asked(events.TypeHoldReleased, &events.Hold{}, hour.Add(-time.Hour)),
	})
	if n, oldest := k.Waiting(); n != 2 || !oldest.Equal(hour) {
		t.Errorf("%d wait, the oldest since %v, want 2 since %v", n, oldest, hour)
	}
}
