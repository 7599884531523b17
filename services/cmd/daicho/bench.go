package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/fx"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/client"
	"github.com/daicho-dev/daicho/services/figures"
)

func benchCommand() *cobra.Command {
	s := &shared{}
	people, path := 10_000, ""
	var only []string
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure the engine, each figure beside its yardstick from the same run",
		Long: `Runs an engine in a temporary folder, durable as in production, sends it a simulated year, and prints each
figure beside a yardstick of the same run: bare JetStream with the same bytes, a PostgreSQL event table (where a
server is found, or DAICHO_POSTGRES names one), a bare replay. Ratios travel between machines; numbers do not.`,
		Example: "  daicho bench\n  daicho bench --people 100000",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range only {
				if !slices.Contains(figures.Steps(), name) {
					return errUsage{fmt.Errorf("--only takes %s", strings.Join(figures.Steps(), ", "))}
				}
			}
			s.output, _ = cmd.Flags().GetString("output")
			stop, err := profile(path)
			if err != nil {
				return err
			}
			defer stop()
			all, err := figures.Run(cmd.Context(), figures.Options{People: people, Only: only, Start: startMeasured, Intake: startIntake, Progress: func(what string) {
				fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format("15:04:05"), what)
			}})
			if err != nil {
				return err
			}
			return s.show(all, func() *table {
				t := &table{head: []string{"figure", "measured", "yardstick", "", "ratio", "goal"}}
				for _, f := range all {
					beside, ratio := "", ""
					if f.Beside > 0 {
						beside, ratio = number(f.Beside)+" "+f.Unit, fmt.Sprintf("%.2f", f.Ratio())
					}
					t.add(f.Name, number(f.Measured)+" "+f.Unit, f.Yardstick, beside, ratio, f.Goal)
				}
				t.add(fmt.Sprintf("%s, %d cores, %s", runtime.Version(), runtime.NumCPU(), time.Now().Format("2006-01-02")))
				return t
			})
		},
	}
	cmd.Flags().StringVar(&path, "cpuprofile", "", "write a CPU profile there")
	cmd.Flags().StringSliceVar(&only, "only", nil, "measure only some of "+strings.Join(figures.Steps(), ", ")+"; the others rest on intake")
	cmd.Flags().IntVar(&people, "people", people, "people of the simulated year")
	return cmd
}

func number(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// measured is an engine of the command's own wiring, in this process.
type measured struct {
	app *fx.App
	e   *Engine
}

func startMeasured(dir string) (figures.Engine, error) {
	m := &measured{}
	return m, m.start(context.Background(), dir)
}

func (m *measured) start(ctx context.Context, dir string) error {
	m.app = fx.New(wiring(Config{Data: dir, Listen: "127.0.0.1:0", Log: "jetstream"}), fx.Populate(&m.e))
	if err := m.app.Err(); err != nil {
		return plain(err)
	}
	starting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := m.app.Start(starting); err != nil {
		return plain(err)
	}
	return wait(ctx, m.Client("admin"))
}

func (m *measured) Restart(ctx context.Context) error {
	if err := errors.Join(m.Close(), statesFile(m.Dir()).Remove(ctx)); err != nil {
		return err
	}
	return m.start(ctx, m.Dir())
}

func (m *measured) Client(role string) *client.Client {
	b, err := os.ReadFile(m.Dir() + "/tokens/" + role)
	if err != nil {
		return client.New(m.e.url(), "")
	}
	return client.New(m.e.url(), string(b[:max(0, len(b)-1)]))
}

func (m *measured) Dir() string            { return m.e.cfg.Data }
func (m *measured) Log() contracts.Log     { return m.e.log }
func (m *measured) Vault() contracts.Vault { return m.e.vault }

func (m *measured) Level(ctx context.Context) error {
	head, err := m.e.log.Head(ctx)
	for _, model := range m.e.stores.All {
		err = errors.Join(err, model.Level(ctx, head))
	}
	return err
}

func (m *measured) Hold() {
	for _, model := range m.e.stores.All {
		model.Halt()
	}
}

func (m *measured) Resume(ctx context.Context) error {
	for _, model := range m.e.stores.All {
		model.Start()
	}
	return wait(ctx, m.Client("admin"))
}

func (m *measured) Rebuild(ctx context.Context, model string) (int, time.Duration, error) {
	began := time.Now()
	var last events.Position
	err := m.Client("admin").Rebuild(ctx, model, func(x contracts.Model) { last = x.Position })
	return int(last), time.Since(began), err
}

func (m *measured) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return m.app.Stop(ctx)
}
