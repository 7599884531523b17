package statements

import (
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Languages are those that the page can be read in.
var Languages = []string{"ja", "en", "zh-Hant", "ko"}

//go:embed words.json
var wordsJSON []byte

// ours are the page's own words, by name and language. A test sees that none is missing.
var ours = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	if err := json.Unmarshal(wordsJSON, &all); err != nil {
		return nil
	}
	return all
})

// voice speaks one language.
type voice string

// say is one of our words, with what is put in its braces: name, value, name, value …
func (v voice) say(name string, with ...string) string {
	s := ours()[name][string(v)]
	for i := 0; i+1 < len(with); i += 2 {
		s = strings.ReplaceAll(s, "{"+with[i]+"}", with[i+1])
	}
	return s
}

// has says whether there is such a word.
func (v voice) has(name string) bool { return ours()[name] != nil }

func (v voice) list(all []string) string { return strings.Join(all, v.say("list")) }

// Said is a text in the language that it was found in: where that is not the page's, the page says so.
type Said struct {
	Text string
	Lang string // empty: the page's
}

func (v voice) of(t policy.Text) Said {
	if s := t[string(v)]; s != "" {
		return Said{Text: s}
	}
	if s := t["en"]; s != "" {
		return Said{Text: s, Lang: "en"}
	}
	for lang, s := range t {
		return Said{Text: s, Lang: lang}
	}
	return Said{}
}

// given is a text of the catalogue that has no translations: names and addresses, in the alphabet of English.
func (v voice) given(s string) Said {
	if v == "en" || s == "" {
		return Said{Text: s}
	}
	return Said{Text: s, Lang: "en"}
}

func (v voice) label(terms []policy.Term, id events.Word) string {
	for _, t := range terms {
		if t.ID == id {
			if s := v.of(t.Label).Text; s != "" {
				return s
			}
		}
	}
	return string(id)
}

func (v voice) category(c *policy.Catalogue, id events.Word) string {
	if k, ok := c.Category(id); ok {
		if s := v.of(k.Label).Text; s != "" {
			return s
		}
	}
	return string(id)
}

// country is a country's name, by its code.
func (v voice) country(code events.Country) string {
	land, _, _ := strings.Cut(string(code), "-")
	r, err := language.ParseRegion(land)
	if err != nil {
		return string(code)
	}
	return display.Regions(language.Make(string(v))).Name(r)
}

func (v voice) date(d policy.Date) string {
	if d.IsZero() {
		return ""
	}
	y, m, day := strconv.Itoa(d.Year()), strconv.Itoa(int(d.Month())), strconv.Itoa(d.Day())
	switch v {
	case "ja", "zh-Hant":
		return y + "年" + m + "月" + day + "日"
	case "ko":
		return y + "년 " + m + "월 " + day + "일"
	}
	return day + " " + d.Month().String() + " " + y
}

// period writes an ISO 8601 period in words; an empty one is empty.
func (v voice) period(p policy.Period) string {
	var parts []string
	s, n := strings.TrimPrefix(p.String(), "P"), ""
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n += string(r)
			continue
		}
		unit := "unit." + string(r)
		if n == "1" {
			unit += "1"
		}
		if n != "0" {
			parts = append(parts, v.say(unit, "n", n))
		}
		n = ""
	}
	return strings.Join(parts, " ")
}
