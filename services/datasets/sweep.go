package datasets

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
)

// How often the worker looks at the folder, and how long files may wait for the event that names them.
const (
	sweepEvery = 5 * time.Second
	grace      = 10 * time.Minute
)

// Promptly is how long after its making a dataset may wait for its publication. Rule 36 says "without delay" and names no number; seven
// days are an assumption of ours.
const Promptly = 7 * 24 * time.Hour

// Start begins to remove the files of what was destroyed.
func (s *Service) Start() {
	s.Begin(sweepEvery, func(context.Context) error { return s.Sweep() })
}

// Sweep removes the files of datasets that were destroyed, by whatever way that was told, and of those that no event came to name.
func (s *Service) Sweep() error {
	held, err := s.folder.held()
	if err != nil {
		return err
	}
	all := s.Gateway.Organisation().Datasets
	for id, written := range held {
		s.mu.Lock()
		busy := s.busy[id]
		s.mu.Unlock()
		d := all[id]
		if busy || d == nil && s.now().Sub(written) < grace || d != nil && d.Destroyed == nil {
			continue
		}
		if err := s.folder.remove(id); err != nil {
			return err
		}
	}
	return nil
}

// Check reads the files of every living dataset and says how many are not what was measured.
func (s *Service) Check(ctx context.Context) (contracts.Check, error) {
	c := contracts.Check{Name: "every living dataset has its files, and they hold what was measured", OK: true}
	var wrong []string
	for id, d := range s.Gateway.Organisation().Datasets {
		if d.Destroyed != nil {
			continue
		}
		c.Count++
		for _, format := range formats {
			f, err := s.sound(id, d, format)
			if err != nil {
				wrong = append(wrong, string(id)+"."+string(format))
				continue
			}
			if err := f.Close(); err != nil {
				return c, err
			}
		}
		if err := ctx.Err(); err != nil {
			return c, err
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		c.OK, c.Detail = false, "missing, or not what was made: "+strings.Join(wrong, " ")+"; put the datasets folder back from a copy, or destroy them and make them again"
	}
	return c, nil
}

// Gaps are the sentences of the policy that are not kept by what stands here now, with the reason.
func (s *Service) Gaps(context.Context) (map[string]string, error) {
	var unsafe, lost, late, early, untold, lasting []string
	for id, d := range s.Gateway.Organisation().Datasets {
		name := string(id)
		if len(d.Made.Destroyed) == 0 || d.Made.DestroyedAt == "" {
			lasting = append(lasting, name)
		}
		if d.Published == nil && (d.Uses > 0 || len(d.Provided) > 0) {
			early = append(early, name)
		}
		for _, p := range d.Provided {
			if d.Published == nil || !slices.Contains(d.Methods, p.Method) || p.At.Position < d.Published.Position {
				untold = append(untold, name)
				break
			}
		}
		if d.Destroyed != nil {
			continue
		}
		if d.Published == nil && s.now().Sub(d.Source.Time) > Promptly {
			late = append(late, name)
		}
		for _, format := range formats {
			info, err := os.Stat(s.folder.path(id, format))
			switch {
			case err != nil:
				lost = append(lost, name+"."+string(format))
			case info.Mode().Perm()&0o077 != 0:
				unsafe = append(unsafe, name+"."+string(format))
			}
		}
	}
	gaps := map[string]string{}
	say := func(sentence, what string, names []string) {
		if len(names) == 0 {
			return
		}
		slices.Sort(names)
		if gaps[sentence] != "" {
			gaps[sentence] += " "
		}
		gaps[sentence] += fmt.Sprintf("%s: %s.", what, strings.Join(names, " "))
	}
	say("S68", "Made without a word that mapping tables and random parameters were destroyed (APPI 43(2))", lasting)
	say("S68", "Files that others on this machine may read", unsafe)
	say("S68", "Living datasets whose file is missing: where it went is not known", lost)
	say("S69", fmt.Sprintf("Made more than %d days ago and not published yet (APPI 43(3); Rule 36: without delay)", int(Promptly.Hours()/24)), late)
	say("S69", "Used or provided before the items were published", early)
	say("S72", "Provided by a method that was not published before (APPI 43(4), 44; Rule 37)", untold)
	return gaps, nil
}
