package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/register"
)

// verify has every process check what it keeps, whichever is asked. Asked by another process, this one checks its own.
func (a *API) verify(s *serving, w http.ResponseWriter, r *http.Request) error {
	own, err := s.Register.Verify(r.Context())
	e := a.elsewhere.Load()
	if err != nil || e == nil {
		return reply(w)(own, err)
	}
	all := newChecked()
	here := map[string]string{}
	for part := range e.here {
		here[part] = ""
	}
	all.take(here, own)
	if !e.Each(r, true, all.hear) {
		return answer(w, own)
	}
	return answer(w, all.verified())
}

// checked is what the processes of an engine have checked.
type checked struct {
	checks []contracts.Check
	served map[string]bool // parts that somebody serves, answering or not
	times  map[string]int  // processes with the same parts
	keeps  map[string]bool // models that somebody keeps, or would
	silent map[string]bool // parts of which it is said already that they could not be asked
}

func newChecked() *checked {
	return &checked{served: map[string]bool{}, times: map[string]int{}, keeps: map[string]bool{}, silent: map[string]bool{}}
}

// hear takes what a process has answered that serves some parts. One that stands by with all of them keeps nothing that nobody else has.
func (c *checked) hear(parts map[string]string, body []byte, err error) {
	var theirs contracts.Verified
	if err == nil && (json.Unmarshal(body, &theirs) != nil || theirs.Checks == nil) {
		err = errors.New("its answer cannot be read; is it of this version?")
	}
	if err == nil {
		c.take(parts, theirs)
		return
	}
	var silent []string
	for part, state := range parts {
		if state != models.Standby {
			silent = append(silent, part)
		}
	}
	by := c.meets(parts)
	slices.Sort(silent)
	for _, part := range silent {
		c.unasked(part, by, "the process that serves it does not answer: "+err.Error())
	}
}

// take takes what a process has checked.
func (c *checked) take(parts map[string]string, v contracts.Verified) {
	by := c.meets(parts)
	for _, k := range v.Checks {
		k.By = by
		c.checks = append(c.checks, k)
	}
}

// meets notes a process, and names it.
func (c *checked) meets(parts map[string]string) (by string) {
	names := slices.SortedFunc(maps.Keys(parts), func(a, b string) int { return cmp.Compare(slices.Index(AllParts, a), slices.Index(AllParts, b)) })
	for _, part := range names {
		c.served[part] = true
	}
	for _, name := range Keeps(names...) {
		c.keeps[name] = true
	}
	by = strings.Join(names, ",")
	if c.times[by]++; c.times[by] > 1 {
		by += fmt.Sprintf(" (%d)", c.times[by])
	}
	return by
}

// unasked is a part that could not be asked: a check that failed.
func (c *checked) unasked(part, by, why string) {
	c.silent[part] = true
	left := Keeps(part)
	if part == Office {
		left = append(left, "the log, keys and files")
	}
	if len(left) > 0 {
		why += "; not checked: " + strings.Join(left, ", ")
	}
	c.checks = append(c.checks, contracts.Check{Name: "the part " + part + " answers", By: by, Detail: why})
}

// verified is all of it: the office's first, and what nobody has checked with the reason.
func (c *checked) verified() contracts.Verified {
	for _, part := range AllParts {
		if !c.served[part] {
			c.unasked(part, part, "no process of this engine serves it now; start one: daicho serve --only "+part)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.keeps)) {
		compared := slices.ContainsFunc(c.checks, func(k contracts.Check) bool { return k.Name == register.Compared(name) })
		if !compared && !c.silent[keeper(name)] {
			c.checks = append(c.checks, contracts.Check{Name: register.Compared(name), By: keeper(name), Detail: "whoever keeps it stands by, and nobody who applies it has been found; ask again soon"})
		}
	}
	rank := func(k contracts.Check) int {
		first, _, _ := strings.Cut(k.By, ",")
		first, _, _ = strings.Cut(first, " ")
		return (slices.Index(AllParts, first) + 1) % len(AllParts) // the office, last of the parts, has the most to tell
	}
	slices.SortStableFunc(c.checks, func(a, b contracts.Check) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a.By, b.By)) })
	return contracts.Verified{OK: !slices.ContainsFunc(c.checks, func(k contracts.Check) bool { return !k.OK }), Checks: c.checks}
}
