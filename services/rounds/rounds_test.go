package rounds

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestALookThatFailsIsToldUntilOneSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Rounds
		r.Close() // never begun
		var looks atomic.Int32
		var fails atomic.Bool
		fails.Store(true)
		r.Begin(time.Minute, func(context.Context) error {
			looks.Add(1)
			if fails.Load() {
				return errors.New("no")
			}
			return nil
		})
		synctest.Wait()
		if looks.Load() != 1 || r.Err() == nil {
			t.Errorf("after the start: %d looks, %v", looks.Load(), r.Err())
		}
		fails.Store(false)
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if looks.Load() != 2 || r.Err() != nil {
			t.Errorf("a minute later: %d looks, %v", looks.Load(), r.Err())
		}
		r.Close()
		time.Sleep(time.Hour)
		if looks.Load() != 2 {
			t.Errorf("%d looks after the end", looks.Load())
		}
	})
}

func TestCloseWaitsForTheLookUnderWayAndIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Rounds
		ended := false
		r.Begin(time.Minute, func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended = true
			return ctx.Err()
		})
		synctest.Wait()
		r.Close()
		if !ended || r.Err() != nil {
			t.Errorf("ended %v, %v", ended, r.Err())
		}
	})
}
