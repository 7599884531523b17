package person

import (
	"slices"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Announcement is what somebody was told before a recording: a notice that was shown to them, not deemed to have been.
type Announcement struct {
	Time    time.Time   `json:"at"`
	Channel events.Word `json:"ch,omitzero"`
	Segment events.Word `json:"seg"`        // first segment of the source that told them
	Matter  events.Key  `json:"m,omitzero"` // the call
}

// An announcement serves the call that it was made in: the last few are remembered, and none for longer than a day.
const (
	announcements = 4
	oneCall       = 24 * time.Hour
)

func (s *State) announce(e *events.Event, f *events.NoticeShown) {
	if f.Deemed {
		return
	}
	kept := append(slices.Clone(s.Announced), Announcement{Time: e.Time, Channel: f.Channel, Segment: Segment(e.Source), Matter: f.Matter})
	s.Announced = kept[max(0, len(kept)-announcements):]
}

// announced refuses a recording that the person was not told of before it began, over whichever channel they spoke (S64; GDPR 13). A notice
// on that channel counts, and one by the same system that records; where both name their call, it must be one call.
func (d *decision) announced(f *events.Collected) *events.Refusal {
	began := d.in.Time
	if t, err := time.Parse(time.RFC3339, string(f.Started)); err == nil {
		if began = t; began.After(d.in.Time) {
			return refuse(events.RuleSchema, "/data/started", "is after the event: a recording begins before it is collected")
		}
	}
	for i := range f.Records {
		if k, _ := d.c.Category(f.Records[i].Category); !k.Announced || entrusted(f) { // a client's calls are the client's to announce
			continue
		}
		if !slices.ContainsFunc(d.s.Announced, func(a Announcement) bool {
			return !a.Time.After(began) && began.Sub(a.Time) <= oneCall && (a.Channel == f.Channel || a.Channel == "" && a.Segment == Segment(d.in.Source)) &&
				(a.Matter == "" || f.Matter == "" || a.Matter == f.Matter)
		}) {
			return refuse("notice_missing", indexed("/data/records/%/category", i),
				"is a recording that nobody announced: send notice_shown on its channel of the moment before it began, then the recording")
		}
		f.Announced = true
	}
	return nil
}
