package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// announces has the office shorten a period: tried, then published with what changes, announced until its first day; and refused where a
// purpose would change without anybody being told.
func (t *tour) announces() error {
	first := t.today.AddDate(0, 0, 30).Format("2006-01-02")
	next, err := t.changed(first, first, `"id":"CALL-01/call","keep":"P6M"`, `"id":"CALL-01/call","keep":"P3M"`)
	if err != nil {
		return err
	}
	t.ask("Recordings of calls shall be kept for three months instead of six. What would that move?", "daicho policy what-if next.yaml")
	w, err := t.c.WhatIf(t.ctx, next.JSON())
	if err != nil {
		return err
	}
	whatIfTable(w).print(os.Stdout)
	t.ask("It is published as a major change: the public page shows a banner until its first day.", "daicho policy publish next.yaml --changes changes.json")
	changes := []events.Change{{Major: true, Text: map[events.Word]events.Text{
		"en": "Recordings of telephone calls are kept for three months instead of six.", "ja": "通話録音の保存期間を6か月から3か月に短縮します。",
		"zh-Hant": "通話錄音之保存期間由六個月縮短為三個月。", "ko": "통화 녹음의 보존 기간을 6개월에서 3개월로 단축합니다.",
	}}}
	r, err := publish(t.ctx, t.c, next, changes)
	if err != nil {
		return err
	}
	if r.Status != contracts.StatusRecorded {
		return contracts.Refused("The policy is refused", r)
	}
	p, err := publication(t.ctx, t.c, r, next)
	if err != nil {
		return err
	}
	publicationTable(p).print(os.Stdout)

	t.ask("A purpose cannot be widened in silence.", "daicho policy publish wider.yaml")
	wider, err := t.changed(first+"-wider", t.today.Format("2006-01-02"), `For responding to customer opinions, wishes, and inquiries.`, `For responding to customer opinions, and for sales calls.`)
	if err != nil {
		return err
	}
	if r, err = publish(t.ctx, t.c, wider, nil); err != nil {
		return err
	}
	if r.Status != contracts.StatusRefused {
		return errors.New("a change of purposes without notice was taken")
	}
	fmt.Printf("Refused by %s (%s): %s %s.\n", r.Rule, r.Law, r.Field, r.Text)
	return nil
}

// changed is the policy in force with one passage changed, as a version of its own from a day on.
func (t *tour) changed(version, effective, from, to string) (*policy.Catalogue, error) {
	doc := policies.Default().JSON()
	for _, x := range [][2]string{{from, to}, {`"version":"2025-10"`, `"version":"` + version + `"`}, {`"effective":"2025-10-01"`, `"effective":"` + effective + `"`}} {
		if !bytes.Contains(doc, []byte(x[0])) {
			return nil, errors.New("the built-in policy is not what the tour knows")
		}
		doc = bytes.Replace(doc, []byte(x[0]), []byte(x[1]), 1)
	}
	return policy.Parse(doc)
}

// anonymizes makes a dataset, announces it, hands it over, and tries what the law forbids.
func (t *tour) anonymizes() error {
	t.ask("What do customers from where buy? A dataset that leads to nobody answers that.", "daicho dataset make telecomsquare-sales")
	recipe, err := policies.Recipe("telecomsquare-sales")
	if err != nil {
		return err
	}
	d, err := t.c.MakeDataset(t.ctx, recipe)
	if err != nil {
		return fmt.Errorf("the dataset of the tour (it needs some hundred people): %w", err)
	}
	if d, err = t.c.PublishDataset(t.ctx, d.ID, contracts.DatasetPublication{Methods: []events.Word{"sftp"}}); err != nil {
		return err
	}
	if _, err = t.c.UseDataset(t.ctx, d.ID, contracts.DatasetUse{Purpose: "SVC-07"}); err != nil {
		return err
	}
	about, file, err := t.c.ProvideDataset(t.ctx, d.ID, contracts.DatasetProvision{Recipient: "travel", Method: "sftp", Purpose: "ANON-02"})
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, file)
	_ = file.Close()
	if err != nil {
		return fmt.Errorf("reading the dataset: %w", err)
	}
	if d, err = t.c.Dataset(t.ctx, d.ID); err != nil {
		return err
	}
	datasetTable(d).print(os.Stdout)
	fmt.Printf("The partner gets %s (%d bytes), which says what it is.\n", about.Name, n)
	t.ask("It is not joined with what is known of people.", "daicho dataset join "+string(d.ID)+" --with pd:Name")
	if err := t.c.JoinDataset(t.ctx, d.ID, contracts.DatasetJoin{With: []events.Word{"pd:Name"}}); err == nil {
		return errors.New("a dataset was joined with people's data")
	} else {
		fmt.Println(err)
	}
	return nil
}

// disposes of what is due: planned by one, approved by another, carried out, certified.
func (t *tour) disposes() error {
	t.ask("What is due is disposed of: one plans, another approves.", "daicho disposal plan; daicho --role compliance disposal approve …; daicho disposal run …")
	d, err := t.c.Plan(t.ctx, contracts.DisposalQuestion{})
	if err != nil {
		return err
	}
	other := *t.s
	other.role = "compliance"
	approver, err := other.dial()
	if err != nil {
		return err
	}
	if _, err = approver.Approve(t.ctx, d.Disposal, ""); err != nil {
		return err
	}
	if d, err = t.c.Run(t.ctx, d.Disposal, nil); err != nil {
		return err
	}
	disposalTable(d).print(os.Stdout)
	x, err := t.c.Certificate(t.ctx, d.Disposal)
	if err != nil {
		return err
	}
	t.ask("The certificate holds no word about anybody, and can be checked against the log.", "daicho disposal check certificate.json")
	v, err := t.c.CheckCertificate(t.ctx, x)
	if err != nil {
		return err
	}
	verifiedTable(v).print(os.Stdout)
	return t.scanned()
}

// scanned waits for the day's look at every record for what it is still there for.
func (t *tour) scanned() error {
	for end := time.Now().Add(time.Minute); t.ctx.Err() == nil && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		seen := false
		if err := t.c.Replay(t.ctx, contracts.ReplayQuestion{Type: events.TypeDisposalScanned}, func(contracts.Recorded) error { seen = true; return nil }); err != nil {
			return err
		}
		if seen {
			return wait(t.ctx, t.c)
		}
	}
	return errors.New("the day's look at every record did not happen")
}
