package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/services/client"
)

func demoCommand() *cobra.Command {
	people := 300
	stay := true
	cmd := &cobra.Command{
		Use: "demo", Short: "A fresh engine, a simulated year of rental and sales, and a tour of the questions",
		Example: "  daicho demo\n  daicho demo --people 5000 --stay=false",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := os.MkdirTemp("", "daicho-demo-")
			if err != nil {
				return fmt.Errorf("making a folder for the demo: %w", err)
			}
			defer os.RemoveAll(dir)
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			up := make(chan *Engine, 1)
			ended := make(chan error, 1)
			go func() {
				ended <- serve(ctx, Config{Data: dir, Listen: "127.0.0.1:0", Log: "jetstream"}, func(e *Engine) { up <- e })
			}()
			var e *Engine
			select {
			case e = <-up:
			case err := <-ended:
				return err
			}
			s := &shared{data: dir, role: "admin", output: "table"}
			c, err := s.dial()
			if err == nil {
				err = newTour(ctx, s, c, people).walk()
			}
			if err == nil && stay {
				fmt.Printf("\nThe engine stays up at %s, with its data in %s (gone when it ends). Press Ctrl-C to end it.\nIn another terminal: daicho --data %s due --by 2099-12-31\n", e.url(), dir, dir)
				select {
				case <-cmd.Context().Done():
				case err := <-ended:
					return err
				}
			}
			cancel()
			if stopped := <-ended; err == nil {
				err = stopped
			}
			return err
		},
	}
	cmd.Flags().IntVar(&people, "people", people, "rental customers to simulate")
	cmd.Flags().BoolVar(&stay, "stay", stay, "stay up after the tour")
	return cmd
}

// wait waits until the projections have seen everything.
func wait(ctx context.Context, c *client.Client) error {
	for ctx.Err() == nil {
		if c.Ready(ctx) == nil {
			models, err := c.Models(ctx)
			if err != nil {
				return err
			}
			level := true
			for _, m := range models {
				level = level && m.Lag == 0
			}
			if level {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}
