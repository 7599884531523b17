package anonymize

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Value is one opened value of a source row, or what a step has made of it. The zero Value is missing.
type Value struct {
	kind   valueKind
	text   string
	number float64
	moment time.Time
}

type valueKind int

const (
	missing valueKind = iota
	aText
	aNumber
	aMoment
)

// Suppressed is what stands in the place of a value that was left out; a missing one is empty.
const Suppressed = "*"

// Text is a value that is text; empty text is missing.
func Text(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{kind: aText, text: s}
}

// Number is a value that is a number; what is none, or endless, is missing.
func Number(n float64) Value {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return Value{}
	}
	return Value{kind: aNumber, number: n}
}

// Moment is a value that is a moment, in the zone in which its days are to be counted.
func Moment(t time.Time) Value { return Value{kind: aMoment, moment: t} }

func hidden() Value { return Value{kind: aText, text: Suppressed} }

// cell is a value as it stands in the output, or as a raw value would.
func (v Value) cell() string {
	switch v.kind {
	case aText:
		return v.text
	case aNumber:
		return plain(v.number)
	case aMoment:
		return v.moment.Format(time.RFC3339)
	case missing:
	}
	return ""
}

func plain(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// asNumber reads a text that is a number as one.
func (v Value) asNumber() (float64, bool) {
	switch v.kind {
	case aNumber:
		return v.number, true
	case aText:
		n, err := strconv.ParseFloat(v.text, 64)
		return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	case missing, aMoment:
	}
	return 0, false
}

func (v Value) asMoment() (time.Time, bool) {
	switch v.kind {
	case aMoment:
		return v.moment, true
	case aText:
		for _, form := range []string{time.RFC3339, "2006-01-02", "2006-01"} {
			if t, err := time.Parse(form, v.text); err == nil {
				return t, true
			}
		}
	case missing, aNumber:
	}
	return time.Time{}, false
}

// apply does a step to a value, as far as that needs no other row. A value that a step cannot read is suppressed: nothing passes
// because it was not understood.
func (s *Step) apply(v Value) Value {
	if v.kind == missing || v.kind == aText && v.text == Suppressed {
		return v
	}
	switch {
	case s.Generalize != nil:
		return s.Generalize.apply(v)
	case s.Band != nil:
		return s.Band.apply(v)
	case s.Top != nil:
		if n, ok := v.asNumber(); !ok {
			return passed(v)
		} else if n >= *s.Top {
			return Text(plain(*s.Top) + orMore)
		}
		return v
	case s.Bottom != nil:
		if n, ok := v.asNumber(); !ok {
			return passed(v)
		} else if n <= *s.Bottom {
			return Text(plain(*s.Bottom) + orLess)
		}
		return v
	case s.Time != "":
		if t, ok := v.asMoment(); ok {
			return Text(coarse(t, s.Time))
		}
		return hidden()
	case s.Place != "":
		return place(v.cell(), s.Place)
	}
	return v // suppress looks at the whole column
}

// What top and bottom coding leave; a band passes it by.
const (
	orMore = " or more"
	orLess = " or less"
)

func passed(v Value) Value {
	if strings.HasSuffix(v.text, orMore) || strings.HasSuffix(v.text, orLess) {
		return v
	}
	return hidden()
}

func (g *Generalize) apply(v Value) Value {
	text := v.cell()
	if g.Prefix > 0 {
		n := 0
		for i := range text {
			if n == g.Prefix {
				return Text(text[:i])
			}
			n++
		}
		return hidden() // nothing would be taken off: as short a value would stay whole
	}
	if wide, ok := g.To[text]; ok {
		return Text(wide)
	}
	if g.Other != "" {
		return Text(g.Other)
	}
	return hidden()
}

func (b *Band) apply(v Value) Value {
	n, ok := v.asNumber()
	if !ok {
		return passed(v)
	}
	low := b.From + math.Floor((n-b.From)/b.Width)*b.Width
	if b.Width == math.Trunc(b.Width) && b.From == math.Trunc(b.From) && b.Width > 1 {
		return Text(plain(low) + "-" + plain(low+b.Width-1)) // of whole numbers: 20-29
	}
	return Text("[" + plain(low) + ", " + plain(low+b.Width) + ")")
}

func coarse(t time.Time, to events.Word) string {
	year := t.Format("2006")
	switch to {
	case "half":
		return year + "-H" + strconv.Itoa((int(t.Month())-1)/6+1)
	case "quarter":
		return year + "-Q" + strconv.Itoa((int(t.Month())-1)/3+1)
	case "month":
		return t.Format("2006-01")
	}
	return year
}
