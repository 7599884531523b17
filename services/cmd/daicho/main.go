// Command daicho is the register of personal data: it runs the engine, and asks it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// Exit codes: 0 done, 1 the answer is a refusal or a failed check, 2 wrong usage.
const (
	exitDone  = 0
	exitNo    = 1
	exitUsage = 2
)

// errUsage is wrong usage; errAnswered a "no" that has been printed.
type errUsage struct{ error }

var errAnswered = errors.New("the answer is no")

func run(ctx context.Context, args []string) int {
	root := command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage errUsage
	var problem *contracts.Problem
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errAnswered):
		return exitNo
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "daicho: %v\nSee `daicho --help`.\n", err)
		return exitUsage
	case errors.As(err, &problem):
		fmt.Fprintf(os.Stderr, "daicho: %v\n", problem)
		return exitNo
	}
	fmt.Fprintf(os.Stderr, "daicho: %v\n", err)
	return exitNo
}

// shared are the flags that every question takes.
type shared struct {
	data   string
	server string
	token  string
	role   string
	output string
}

func command() *cobra.Command {
	s := &shared{}
	root := &cobra.Command{
		Use:   "daicho",
		Short: "The register of personal data: what is held, why, where, until when, and who saw it",
		Long: `Daicho (台帳) keeps an immutable record of the life of personal data, sealed so that it can forget.

Rental and sales systems emit events into it; compliance staff ask it what is due and answer disclosure
requests with it; incident responders replay history after a leak.`,
		Example: `  daicho demo                                      a simulated year, and a tour of the questions
  daicho serve                                     run the engine on ./daicho-data
  daicho emit events.ndjson                        send CloudEvents, one a line
  daicho dossier rental:C-000123 --purpose DSR-01  what we hold about a person
  daicho due --by 2026-12-31                       what must be disposed of, and why
  daicho impact --location parcel --from 2026-04-01 --to 2026-04-08`,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errUsage{fmt.Errorf("there is no command of this name")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return errUsage{err} })
	p := root.PersistentFlags()
	p.StringVar(&s.data, "data", "./daicho-data", "the engine's data folder")
	p.StringVar(&s.server, "server", os.Getenv("DAICHO_URL"), "a running engine's URL (or DAICHO_URL; default: the one of the data folder)")
	p.StringVar(&s.token, "token", os.Getenv("DAICHO_TOKEN"), "a token (or DAICHO_TOKEN; default: the role's in the data folder)")
	p.StringVar(&s.role, "role", "admin", "whose token of the data folder to use")
	p.StringVarP(&s.output, "output", "o", "table", "table, json or csv")
	root.AddCommand(
		serveCommand(s), demoCommand(), simulateCommand(), emitCommand(s), personCommand(s), dossierCommand(s), explainCommand(s), dueCommand(s),
		calendarCommand(s), majorityCommand(s), impactCommand(s), replayCommand(s), modelsCommand(s), policyCommand(s), obligationsCommand(s), verifyCommand(s),
		quarantineCommand(s), tokenCommand(s), benchCommand(),
		attachmentCommand(s), registerCommand(s), recipientsCommand(s),
		datasetCommand(s),
		disposalCommand(s), holdCommand(s),
		reviewCommand(s), improvementCommand(s),
	)
	groups(root)
	return root
}

// groups has commands that are only there for those below them refuse a name that none of those has: cobra would print help and call it done.
func groups(cmd *cobra.Command) {
	for _, below := range cmd.Commands() {
		groups(below)
		if below.Runnable() {
			continue
		}
		path := below.CommandPath()
		below.Args = func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errUsage{fmt.Errorf("`%s` has no command of this name", path)}
			}
			return nil
		}
		below.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
}

// exactly wants a number of arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return errUsage{fmt.Errorf("this command takes %s", what)}
		}
		return nil
	}
}
