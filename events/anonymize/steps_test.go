package anonymize_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events/anonymize"
)

func TestSteps(t *testing.T) {
	num := func(f float64) *float64 { return &f }
	tokyo := time.FixedZone("JST", 9*3600)
	for _, x := range []struct {
		name  string
		v     anonymize.Value
		steps []anonymize.Step
		want  string
	}{
		{"a table", anonymize.Text("DE"), []anonymize.Step{{Generalize: &anonymize.Generalize{To: map[string]string{"DE": "Europe"}}}}, "Europe"},
		{"not in the table", anonymize.Text("FR"), []anonymize.Step{{Generalize: &anonymize.Generalize{To: map[string]string{"DE": "Europe"}}}}, "*"},
		{"the rest", anonymize.Text("FR"), []anonymize.Step{{Generalize: &anonymize.Generalize{To: map[string]string{"DE": "Europe"}, Other: "elsewhere"}}}, "elsewhere"},
		{"a prefix", anonymize.Text("WF-63493191"), []anonymize.Step{{Generalize: &anonymize.Generalize{Prefix: 2}}}, "WF"},
		{"a prefix of kanji", anonymize.Text("千代田区六番町"), []anonymize.Step{{Generalize: &anonymize.Generalize{Prefix: 3}}}, "千代田"},
		{"too short for a prefix", anonymize.Text("WF"), []anonymize.Step{{Generalize: &anonymize.Generalize{Prefix: 2}}}, "*"},
		{"a band", anonymize.Number(29), []anonymize.Step{{Band: &anonymize.Band{Width: 10}}}, "20-29"},
		{"a band below zero", anonymize.Number(-1), []anonymize.Step{{Band: &anonymize.Band{Width: 10}}}, "-10--1"},
		{"a band from 5", anonymize.Number(14), []anonymize.Step{{Band: &anonymize.Band{Width: 10, From: 5}}}, "5-14"},
		{"a band of fractions", anonymize.Number(0.6), []anonymize.Step{{Band: &anonymize.Band{Width: 0.5}}}, "[0.5, 1)"},
		{"text that is a number", anonymize.Text("31"), []anonymize.Step{{Band: &anonymize.Band{Width: 10}}}, "30-39"},
		{"text that is none", anonymize.Text("Suzuki"), []anonymize.Step{{Band: &anonymize.Band{Width: 10}}}, "*"},
		{"an age of 116", anonymize.Number(116), []anonymize.Step{{Top: num(90)}, {Band: &anonymize.Band{Width: 10}}}, "90 or more"},
		{"just at the top", anonymize.Number(90), []anonymize.Step{{Top: num(90)}}, "90 or more"},
		{"below the top", anonymize.Number(89), []anonymize.Step{{Top: num(90)}, {Band: &anonymize.Band{Width: 10}}}, "80-89"},
		{"the bottom", anonymize.Number(3), []anonymize.Step{{Bottom: num(5)}, {Top: num(90)}, {Band: &anonymize.Band{Width: 10}}}, "5 or less"},
		{"text at the top", anonymize.Text("Suzuki"), []anonymize.Step{{Top: num(90)}}, "*"},
		{"a year", anonymize.Text("1990-07-31"), []anonymize.Step{{Time: "year"}}, "1990"},
		{"a half", anonymize.Text("1990-07-01"), []anonymize.Step{{Time: "half"}}, "1990-H2"},
		{"a quarter", anonymize.Text("1990-03-31"), []anonymize.Step{{Time: "quarter"}}, "1990-Q1"},
		{"a month", anonymize.Text("1990-03-31"), []anonymize.Step{{Time: "month"}}, "1990-03"},
		{"midnight in Japan", anonymize.Moment(time.Date(2025, 12, 31, 15, 0, 0, 0, time.UTC).In(tokyo)), []anonymize.Step{{Time: "year"}}, "2026"},
		{"no time", anonymize.Text("yesterday"), []anonymize.Step{{Time: "year"}}, "*"},
		{"a country", anonymize.Text("US-AL"), []anonymize.Step{{Place: "country"}}, "US"},
		{"no country", anonymize.Text("Alabama"), []anonymize.Step{{Place: "country"}}, "*"},
		{"a prefecture", anonymize.Text("765-1891 栃木県 フミ市 1丁目2番1号"), []anonymize.Step{{Place: "prefecture"}}, "栃木県"},
		{"a region", anonymize.Text("沖縄県湖山口区7丁目"), []anonymize.Step{{Place: "region"}}, "九州"},
		{"the first prefecture named", anonymize.Text("東京都千代田区 大阪府ビル"), []anonymize.Step{{Place: "prefecture"}}, "東京都"},
		{"no prefecture", anonymize.Text("18906 Hawaii West Hallebury"), []anonymize.Step{{Place: "prefecture"}}, "*"},
		{"missing", anonymize.Value{}, []anonymize.Step{{Place: "prefecture"}}, ""},
		{"endless", anonymize.Number(math.Inf(1)), []anonymize.Step{{Band: &anonymize.Band{Width: 10}}}, ""},
	} {
		if got := anonymize.Applied(x.v, x.steps...); got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

// A band holds its number, and every number of one band has one text.
func TestBandsHoldTheirNumbers(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		width, from, n := float64(2+chance.IntN(50)), float64(chance.IntN(100)-50), chance.IntN(2000)-1000
		s := anonymize.Step{Band: &anonymize.Band{Width: width, From: from}}
		text := anonymize.Applied(anonymize.Number(float64(n)), s)
		i := strings.Index(text[1:], "-") + 1
		low, err := strconv.Atoi(text[:i])
		high, err2 := strconv.Atoi(text[i+1:])
		if err != nil || err2 != nil || n < low || n > high || high-low != int(width)-1 || math.Mod(float64(low)-from, width) != 0 {
			t.Fatalf("%d in bands of %v from %v is %q", n, width, from, text)
		}
		if anonymize.Applied(anonymize.Number(float64(low)), s) != text || anonymize.Applied(anonymize.Number(float64(high)), s) != text {
			t.Fatalf("the ends of %q are not in it", text)
		}
	}
}
