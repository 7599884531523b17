package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/client"
)

// emitted is the count of a sending.
type emitted struct {
	Sent      int             `json:"sent"`
	Recorded  int             `json:"recorded"`
	Duplicate int             `json:"duplicate"`
	Refused   map[string]int  `json:"refused"`
	Position  events.Position `json:"position"`
	Seconds   float64         `json:"seconds"`
}

func emitCommand(s *shared) *cobra.Command {
	var size int
	cmd := &cobra.Command{
		Use:   "emit FILE|-",
		Short: "Send CloudEvents, one a line, and count what became of them",
		Long: `Sends NDJSON CloudEvents in batches, in order. It can be broken off and sent again: what was recorded
is then a duplicate. Refusals are counted by rule; they do not make the command fail, since each was answered.`,
		Example: `  daicho emit events.ndjson
  daicho simulate --people 100 | daicho emit -`,
		Args: exactly(1, "one file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if size < 1 || size > 10_000 {
				return errUsage{fmt.Errorf("--batch is between 1 and 10,000")}
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			in, total, err := open(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			n, err := emit(cmd.Context(), c, in, total, size)
			if n.Sent > 0 || err == nil {
				if err := s.show(n, n.table); err != nil {
					return err
				}
			}
			return err
		},
	}
	cmd.Flags().IntVar(&size, "batch", 1000, "events of one request")
	return cmd
}

func open(name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return os.Stdin, -1, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, fmt.Errorf("opening the file of events: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("opening the file of events: %w", err)
	}
	return f, info.Size(), nil
}

// emit sends every line. An engine that is away for a moment is asked again; what it had recorded is then a duplicate.
func emit(ctx context.Context, c *client.Client, in io.Reader, total int64, size int) (emitted, error) {
	n := emitted{Refused: map[string]int{}}
	began := time.Now()
	b := newBar("bytes sent", total)
	defer b.done()
	lines := bufio.NewReaderSize(in, 1<<20)
	var read int64
	for {
		var body bytes.Buffer
		count := 0
		var end error
		for count < size && body.Len() < 32<<20 {
			line, err := lines.ReadBytes('\n')
			read += int64(len(line))
			if len(bytes.TrimSpace(line)) > 0 {
				body.Write(bytes.TrimSpace(line))
				body.WriteByte('\n')
				count++
			}
			if err != nil {
				end = err
				break
			}
		}
		if count > 0 {
			receipts, err := send(ctx, c, body.Bytes())
			if err != nil {
				n.Seconds = time.Since(began).Seconds()
				return n, fmt.Errorf("after %d events: %w", n.Sent, err)
			}
			n.count(receipts)
			if len(receipts) != count {
				return n, fmt.Errorf("after %d events: the engine answered %d of %d lines", n.Sent, len(receipts), count)
			}
		}
		b.set(read)
		if end != nil {
			n.Seconds = time.Since(began).Seconds()
			if errors.Is(end, io.EOF) {
				return n, nil
			}
			return n, fmt.Errorf("reading the events: %w", end)
		}
	}
}

func send(ctx context.Context, c *client.Client, body []byte) ([]contracts.Receipt, error) {
	for try := 0; ; try++ {
		receipts, err := c.Emit(ctx, body)
		var p *contracts.Problem
		away := err != nil && (!errors.As(err, &p) || p.Status == 503)
		if !away || try == 4 || ctx.Err() != nil {
			return receipts, err
		}
		time.Sleep(time.Duration(1<<try) * 250 * time.Millisecond)
	}
}

func (n *emitted) count(all []contracts.Receipt) {
	for _, r := range all {
		n.Sent++
		switch r.Status {
		case contracts.StatusRecorded:
			n.Recorded++
		case contracts.StatusDuplicate:
			n.Duplicate++
		default:
			n.Refused[r.Rule]++
		}
		n.Position = max(n.Position, r.Position)
	}
}

func (n *emitted) table() *table {
	t := &table{head: []string{"what", "events"}}
	t.add("sent", strconv.Itoa(n.Sent))
	t.add("recorded", strconv.Itoa(n.Recorded))
	t.add("duplicate", strconv.Itoa(n.Duplicate))
	var rules []string
	for r := range n.Refused {
		rules = append(rules, r)
	}
	slices.Sort(rules)
	for _, r := range rules {
		t.add("refused: "+r, strconv.Itoa(n.Refused[r]))
	}
	t.add("seconds", fmt.Sprintf("%.1f", n.Seconds))
	return t
}
