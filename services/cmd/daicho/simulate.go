package main

import (
	"bufio"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/services/simulate"
)

func simulateCommand() *cobra.Command {
	o := simulate.Options{}
	cmd := &cobra.Command{
		Use: "simulate", Short: "Write the events of an invented company's emitters, one a line",
		Long:    "The same options give the same bytes (except for the default of --until, which is today).",
		Example: "  daicho simulate --people 1000 --days 365 --seed 7 > events.ndjson",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			until, err := cmd.Flags().GetString("until")
			if err != nil {
				return err
			}
			end := time.Now().UTC().Truncate(24 * time.Hour)
			if until != "" {
				if end, err = time.Parse("2006-01-02", until); err != nil {
					return errUsage{fmt.Errorf("--until is a day, as 2026-04-01")}
				}
			}
			if o.People < 1 || o.Days < 1 {
				return errUsage{fmt.Errorf("--people and --days are at least 1")}
			}
			o.Start = end.AddDate(0, 0, -o.Days)
			w := bufio.NewWriterSize(os.Stdout, 1<<20)
			b := newBar("simulating", int64(o.People))
			defer b.done()
			if err := simulate.Year(w, o, func(done, total int) {
				b.total = int64(total)
				b.set(int64(done))
			}); err != nil {
				return err
			}
			return w.Flush()
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.People, "people", 1000, "rental customers; others come with them")
	f.IntVar(&o.Days, "days", 365, "days of the simulated time")
	f.Uint64Var(&o.Seed, "seed", 1, "the same seed gives the same events")
	f.String("until", "", "the day on which the time ends (default: today, UTC)")
	return cmd
}
