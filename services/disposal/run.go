package disposal

import (
	"context"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
)

// step is how many people a run brings to intake at once: so much is on its way when the engine dies, and then stands in the log or not.
const step = 50

// Run disposes of what was approved.
func (s *Service) Run(ctx context.Context, id events.ID, progress func(contracts.DisposalProgress) error) (contracts.Disposal, error) {
	var none contracts.Disposal
	caller, err := register.CallerOf(ctx), register.Allow(ctx, "compliance")
	if err != nil {
		return none, err
	}
	d, err := s.find(id)
	switch {
	case err != nil:
		return none, err
	case !d.Approved():
		return none, register.Refused("This is refused", "not_permitted", "", "this disposal has not been approved; the policy asks for the word of another than who planned it (`daicho disposal approve`)")
	case d.Done():
		return s.of(ctx, id)
	}
	if !s.begin(id) {
		return none, register.Problem(409, "refused", "This is refused", "this disposal is being carried out already")
	}
	defer s.end(id)
	r := &run{s: s, d: d, by: caller, progress: progress}
	if err := r.carryOut(ctx); err != nil {
		return none, err
	}
	return s.of(ctx, id)
}

func (s *Service) begin(id events.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[id] {
		return false
	}
	s.running[id] = true
	return true
}

func (s *Service) end(id events.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, id)
}

// Halt ends runs at their next step; what is left, another run disposes of.
func (s *Service) Halt() { s.once.Do(func() { close(s.stopped) }) }

// run is one passing through a list.
type run struct {
	s        *Service
	d        *organisation.Disposal
	by       intake.Caller
	progress func(contracts.DisposalProgress) error
	all      []entry
	why      map[string]string // record → why it is not disposed of, as intake refused it
	done     int
}

// task is one deletion: records of one person that are due by the same rule, or at the end the person.
type task struct {
	person events.Pseudonym
	of     []*entry // none: the person
	alone  *entry   // of the person: the entry, where no record of theirs is on the list
}

func (r *run) carryOut(ctx context.Context) error {
	var err error
	if r.all, err = r.s.list(ctx, r.d); err != nil {
		return err
	}
	r.why = map[string]string{}
	before, err := r.s.trace(ctx, r.d.Planned.Disposal, 0) // what an earlier run has deleted, whatever became of it
	if err != nil {
		return err
	}
	var last events.Position
	tasks := r.tasks(before)
	for len(tasks) > 0 {
		select {
		case <-r.s.stopped:
			return intake.ErrClosing
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		n, people := 0, 0
		for n < len(tasks) && (people < step || tasks[n].person == tasks[n-1].person) {
			if n == 0 || tasks[n].person != tasks[n-1].person {
				people++
			}
			n++
		}
		at, err := r.delete(ctx, tasks[:n])
		if err != nil {
			return err
		}
		last = max(last, at)
		tasks = tasks[n:]
		if err := r.tell(contracts.DisposalProgress{Done: r.done, Total: len(r.all)}); err != nil {
			return err
		}
	}
	after, err := r.s.traceUntilDestroyed(ctx, r.d.Planned.Disposal, last)
	if err != nil {
		return err
	}
	return r.conclude(ctx, after)
}

// tasks are what is left to delete. What was found bound or gone by an earlier run stays as it is: only what was held is asked again.
func (r *run) tasks(before *trace) []task {
	var tasks []task
	for i := 0; i < len(r.all); {
		j := i
		for j < len(r.all) && r.all[j].person == r.all[i].person {
			j++
		}
		mine := r.all[i:j]
		var rules []string
		groups := map[string][]*entry{}
		for k := range mine {
			e := &mine[k]
			if e.alone() {
				continue
			}
			if before.has(e) || e.outcome == bound || e.outcome == gone || e.outcome == disposed {
				r.done++
				continue
			}
			key := e.rule + " " + string(e.cause)
			if groups[key] == nil {
				rules = append(rules, key)
			}
			groups[key] = append(groups[key], e)
		}
		for _, key := range rules {
			tasks = append(tasks, task{person: mine[0].person, of: groups[key]})
		}
		if mine[0].forget && !before.forgotten[mine[0].person] && mine[0].outcome != bound {
			t := task{person: mine[0].person}
			if mine[0].alone() {
				t.alone = &mine[0]
			}
			tasks = append(tasks, t)
		}
		i = j
	}
	return tasks
}

// delete asks intake for deletions of whole people's tasks, in order. A deletion of several records that is refused for one of them is
// asked again record by record; a person is forgotten only after that.
func (r *run) delete(ctx context.Context, tasks []task) (last events.Position, err error) {
	var first, forget []task
	for _, t := range tasks {
		if len(t.of) == 0 {
			forget = append(forget, t)
		} else {
			first = append(first, t)
			r.done += len(t.of)
		}
	}
	var single []task
	refused, at, err := r.submit(ctx, first)
	if err != nil {
		return 0, err
	}
	last = at
	for i, why := range refused {
		switch {
		case why == "":
		case len(first[i].of) == 1:
			r.why[first[i].of[0].record()] = why
		default:
			for _, e := range first[i].of {
				single = append(single, task{person: first[i].person, of: []*entry{e}})
			}
		}
	}
	if refused, at, err = r.submit(ctx, single); err != nil {
		return 0, err
	}
	last = max(last, at)
	for i, why := range refused {
		if why != "" {
			r.why[single[i].of[0].record()] = why
		}
	}
	forget = slices.DeleteFunc(forget, func(t task) bool { // something of theirs stays
		return slices.ContainsFunc(append(first, single...), func(x task) bool {
			return x.person == t.person && slices.ContainsFunc(x.of, func(e *entry) bool { return r.why[e.record()] != "" })
		})
	})
	refused, at, err = r.submit(ctx, forget)
	for i, why := range refused {
		if e := forget[i].alone; e != nil {
			r.done++
			if why != "" {
				r.why[e.record()] = why
			}
		}
	}
	return max(last, at), err
}

// submit answers for each task why it was refused, or nothing. The name of a submission follows from what it deletes, so that what was
// recorded before a crash is a duplicate after it, and a refusal is recorded once.
func (r *run) submit(ctx context.Context, tasks []task) (refused []string, last events.Position, err error) {
	if len(tasks) == 0 {
		return nil, 0, nil
	}
	all := make([]intake.Submission, len(tasks))
	id := r.d.Planned.Disposal
	for i, t := range tasks {
		f := &events.Deleted{Run: id, Cause: "retention", Person: len(t.of) == 0}
		name := []string{string(id), string(t.person)}
		if t.alone != nil {
			f.Rule, f.Cause = events.Word(t.alone.rule), t.alone.cause
		}
		for _, e := range t.of {
			f.Of, f.Rule, f.Cause = append(f.Of, e.n), events.Word(e.rule), e.cause
			name = append(name, e.n.String())
		}
		all[i] = intake.Own(events.TypeDeleted, events.PersonStream(t.person), f)
		all[i].Source, all[i].ID = "/daicho/disposal", strings.Join(name, "/")
	}
	out, err := r.s.gateway.Submit(ctx, intake.Engine, all)
	if err != nil {
		return nil, 0, err
	}
	refused = make([]string, len(tasks))
	for i, o := range out {
		if o.Status != contracts.StatusRefused {
			last = max(last, o.Position)
			continue
		}
		switch {
		case o.Rule == "held" && (o.Field == "/data/cause" || len(tasks[i].of) == 0):
			refused[i] = bound
		case o.Rule == "held":
			refused[i] = held
		case o.Rule == "record_unknown", o.Rule == "person_unknown", o.Rule == "record_gone":
			refused[i] = gone
		default:
			p := register.Problem(422, "refused", "This is refused", o.Text)
			p.Rule, p.Field = o.Rule, o.Field
			return nil, 0, p
		}
	}
	return refused, last, nil
}

func (r *run) tell(p contracts.DisposalProgress) error {
	if r.progress == nil {
		return nil
	}
	return r.progress(p)
}

// conclude says what has become of each record, by what the log says, and records it if it is news.
func (r *run) conclude(ctx context.Context, after *trace) error {
	f := &events.Disposal{
		Disposal: r.d.Planned.Disposal, By: events.Identity(r.by.Holder), Role: r.by.Role, Digest: r.d.Planned.Digest, Items: r.d.Planned.Items,
		People: r.d.Planned.People,
	}
	if r.by.Role != "compliance" && r.by.Role != "admin" {
		f.By, f.Role = "", "" // the engine itself goes on
	}
	counts := map[string]int{}
	var changed []entry
	for i := range r.all {
		e := &r.all[i]
		was := e.outcome
		switch why := r.why[e.record()]; {
		case after.has(e):
			e.outcome = disposed
		case why != "":
			e.outcome = why
		case e.outcome == "" || e.outcome == held:
			e.outcome = gone // intake took the deletion, and this record was not there any more
		}
		counts[e.outcome] += number(!e.alone())
		if e.outcome != was {
			changed = append(changed, *e)
		}
		if e.outcome != disposed {
			if err := r.tell(contracts.DisposalProgress{Done: r.done, Total: len(r.all), Record: e.record(), Reason: e.outcome}); err != nil {
				return err
			}
		}
	}
	f.Disposed = counts[disposed]
	for _, reason := range []string{held, bound, gone} {
		if n := counts[reason]; n > 0 {
			f.Left = append(f.Left, events.Left{Reason: events.Word(reason), Count: n})
		}
	}
	if len(changed) == 0 && len(r.d.Runs) > 0 {
		return nil
	}
	if err := r.s.submit(ctx, events.TypeDisposalExecuted, stream(f.Disposal), f); err != nil {
		return err
	}
	return r.s.lists.tell(ctx, f.Disposal, changed)
}
