package rounds

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestALookThatFailsIsToldUntilOneSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Rounds
		r.Close() // never begun
		looks, fails := 0, true
		r.Begin(time.Minute, func(context.Context) error {
			looks++
			if fails {
				return errors.New("no")
			}
			return nil
		})
		synctest.Wait()
		if looks != 1 || r.Err() == nil {
			t.Errorf("after the start: %d looks, %v", looks, r.Err())
		}
		fails = false
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if looks != 2 || r.Err() != nil {
			t.Errorf("a minute later: %d looks, %v", looks, r.Err())
		}
		r.Close()
		time.Sleep(time.Hour)
		if looks != 2 {
			t.Errorf("%d looks after the end", looks)
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
