package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/client"
	"github.com/daicho-dev/daicho/services/datasets"
	"github.com/daicho-dev/daicho/services/register"
)

// datasets opens the folder of datasets, and lets the register ask what is not kept there.
func (e *Engine) datasets(r *register.Register) (*datasets.Service, error) {
	made, err := datasets.New(filepath.Join(e.cfg.Data, "datasets"), datasets.Parts{
		Log: e.log, Vault: e.vault, Gateway: e.gateway, Dossiers: e.stores.Dossier, Retention: e.stores.Retention,
	})
	if err != nil {
		return nil, err
	}
	r.Datasets = made
	r.Checks = append(r.Checks, made.Check)
	return made, nil
}

func datasetCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dataset",
		Short: "Anonymously processed information: made by a recipe, published, used, provided, destroyed",
		Long: `A dataset is made from what the register holds by the steps of a recipe. It is checked against the five criteria of
Rule 34 and k-anonymity, counted in people; what does not pass is written nowhere. Its items are published before it is
used, its methods before it is provided, and no file leaves but by a recorded use or provision. A dataset is never joined
with other information (APPI 43).`,
		Example: `  daicho dataset make telecomsquare-usage          a recipe that comes with the built-in policy
  daicho dataset publish d-… --method sftp         the public page announces it
  daicho dataset provide d-… --recipient travel --method sftp --file out.zip`,
	}
	cmd.AddCommand(datasetMakeCommand(s), datasetListCommand(s), datasetShowCommand(s), datasetPublishCommand(s), datasetUseCommand(s),
		datasetFileCommand(s), datasetProvideCommand(s), datasetJoinCommand(s), datasetDestroyCommand(s))
	return cmd
}

// recipeOf reads a file, or takes one of the recipes that come with the built-in policy.
func recipeOf(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	switch {
	case err == nil:
		return policies.ReadRecipe(b)
	case errors.Is(err, os.ErrNotExist) && slices.Contains(policies.Recipes(), name):
		return policies.Recipe(name)
	}
	return nil, errUsage{fmt.Errorf("reading the recipe: %w; recipes that come with it: %s", err, strings.Join(policies.Recipes(), ", "))}
}

// answering is a command about one dataset that answers with it as it is afterwards.
func answering(s *shared, cmd *cobra.Command, ask func(context.Context, *client.Client, string) (contracts.Dataset, error)) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.dial()
		if err != nil {
			return err
		}
		d, err := ask(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		return s.show(d, func() *table { return datasetTable(d) })
	}
	return cmd
}

const oneDataset = "one dataset, as `daicho dataset list` names it"

func datasetMakeCommand(s *shared) *cobra.Command {
	return answering(s, &cobra.Command{
		Use: "make RECIPE", Short: "Make a dataset by a recipe (YAML or JSON), or say which criterion it misses",
		Example: "  daicho dataset make usage.recipe.yaml\n  daicho dataset make telecomsquare-sales --output json",
		Args:    exactly(1, "one recipe: a file, or the name of one that comes with the built-in policy"),
	}, func(ctx context.Context, c *client.Client, name string) (contracts.Dataset, error) {
		recipe, err := recipeOf(name)
		if err != nil {
			return contracts.Dataset{}, err
		}
		return c.MakeDataset(ctx, recipe)
	})
}

func datasetListCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "All datasets that were made, the newest first", Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			all, err := c.Datasets(cmd.Context())
			if err != nil {
				return err
			}
			return s.show(all, func() *table {
				t := &table{head: []string{"dataset", "state", "made", "rows", "k", "items", "methods", "provided", "uses", "joins refused"}}
				for _, d := range all {
					t.add(string(d.ID), d.State, day(d.Made), strconv.Itoa(d.Rows), strconv.Itoa(d.K), list(d.Items), list(d.Methods),
						strconv.Itoa(len(d.Provided)), strconv.Itoa(d.Uses), strconv.Itoa(d.Joins))
				}
				return t
			})
		},
	}
}

func datasetShowCommand(s *shared) *cobra.Command {
	return answering(s, &cobra.Command{
		Use: "show DATASET", Short: "A dataset as it was measured, and what has become of it", Args: exactly(1, oneDataset),
	}, func(ctx context.Context, c *client.Client, id string) (contracts.Dataset, error) {
		return c.Dataset(ctx, events.ID(id))
	})
}

func datasetPublishCommand(s *shared) *cobra.Command {
	var methods []string
	cmd := answering(s, &cobra.Command{
		Use: "publish DATASET", Short: "Announce a dataset's items and, if it is to be provided, the methods (Rules 36, 37)",
		Example: "  daicho dataset publish d-…\n  daicho dataset publish d-… --method sftp --method encrypted_mail",
		Args:    exactly(1, oneDataset),
	}, func(ctx context.Context, c *client.Client, id string) (contracts.Dataset, error) {
		return c.PublishDataset(ctx, events.ID(id), contracts.DatasetPublication{Methods: wordsOf(methods)})
	})
	cmd.Flags().StringSliceVar(&methods, "method", nil, "how it is provided to third parties (repeatable; none: it is not)")
	return cmd
}

func datasetUseCommand(s *shared) *cobra.Command {
	var purpose string
	cmd := answering(s, &cobra.Command{
		Use: "use DATASET", Short: "Record a use of a dataset whose items are published", Args: exactly(1, oneDataset),
		Example: "  daicho dataset use d-… --purpose SVC-07",
	}, func(ctx context.Context, c *client.Client, id string) (contracts.Dataset, error) {
		return c.UseDataset(ctx, events.ID(id), contracts.DatasetUse{Purpose: events.Word(purpose)})
	})
	cmd.Flags().StringVar(&purpose, "purpose", "", "for which purpose of use")
	return cmd
}

// handing is a command that writes what is handed out into a file.
func handing(s *shared, cmd *cobra.Command, ask func(context.Context, *client.Client, events.ID) (contracts.DatasetFile, io.ReadCloser, error)) *cobra.Command {
	file := ""
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if file == "" {
			return errUsage{errors.New("--file says where it goes; - is this command's output")}
		}
		c, err := s.dial()
		if err != nil {
			return err
		}
		about, from, err := ask(cmd.Context(), c, events.ID(args[0]))
		if err != nil {
			return err
		}
		defer from.Close()
		b := newBar("bytes received", about.Size)
		in := &progressing{from: from, bar: b}
		defer b.done()
		if file == "-" {
			_, err := io.Copy(os.Stdout, in)
			return err
		}
		return save(file, in)
	}
	cmd.Args = exactly(1, oneDataset)
	cmd.Flags().StringVar(&file, "file", "", "where it goes (0600; nothing is left there unless all of it came); - is the output")
	return cmd
}

func datasetFileCommand(s *shared) *cobra.Command {
	var purpose, format string
	cmd := handing(s, &cobra.Command{
		Use: "file DATASET", Short: "The rows, for a use of our own; the use is recorded first",
		Example: "  daicho dataset file d-… --purpose SVC-07 --format parquet --file usage.parquet",
	}, func(ctx context.Context, c *client.Client, id events.ID) (contracts.DatasetFile, io.ReadCloser, error) {
		return c.DatasetFile(ctx, id, contracts.DatasetUse{Purpose: events.Word(purpose), Format: events.Word(format)})
	})
	cmd.Flags().StringVar(&purpose, "purpose", "", "for which purpose of use")
	cmd.Flags().StringVar(&format, "format", "csv", "csv or parquet")
	return cmd
}

func datasetProvideCommand(s *shared) *cobra.Command {
	var recipient, method, purpose, format string
	cmd := handing(s, &cobra.Command{
		Use: "provide DATASET", Short: "What a third party gets: the rows with the notice of what they are; the provision is recorded first",
		Example: "  daicho dataset provide d-… --recipient travel --method sftp --file for-travel.zip",
	}, func(ctx context.Context, c *client.Client, id events.ID) (contracts.DatasetFile, io.ReadCloser, error) {
		return c.ProvideDataset(ctx, id, contracts.DatasetProvision{
			Recipient: events.Word(recipient), Method: events.Word(method), Purpose: events.Word(purpose), Format: events.Word(format),
		})
	})
	f := cmd.Flags()
	f.StringVar(&recipient, "recipient", "", "to whom: a recipient registered as a third party for the purpose")
	f.StringVar(&method, "method", "", "by which of the published methods")
	f.StringVar(&purpose, "purpose", "ANON-02", "for which purpose of use (default: that of the built-in policy)")
	f.StringVar(&format, "format", "csv", "csv or parquet")
	return cmd
}

func datasetJoinCommand(s *shared) *cobra.Command {
	var with []string
	var purpose string
	cmd := &cobra.Command{
		Use: "join DATASET", Short: "Refused, and recorded: a dataset is not brought together with other information (APPI 43(5))",
		Example: "  daicho dataset join d-… --with pd:Name --with d-…",
		Args:    exactly(1, oneDataset),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			return c.JoinDataset(cmd.Context(), events.ID(args[0]), contracts.DatasetJoin{With: wordsOf(with), Purpose: events.Word(purpose)})
		},
	}
	cmd.Flags().StringSliceVar(&with, "with", nil, "categories of people, or other datasets")
	cmd.Flags().StringVar(&purpose, "purpose", "", "for which purpose of use it was wanted")
	return cmd
}

func datasetDestroyCommand(s *shared) *cobra.Command {
	return answering(s, &cobra.Command{
		Use: "destroy DATASET", Short: "Remove a dataset's files for good", Args: exactly(1, oneDataset),
	}, func(ctx context.Context, c *client.Client, id string) (contracts.Dataset, error) {
		return c.DestroyDataset(ctx, events.ID(id))
	})
}

// datasetTable shows one dataset.
func datasetTable(d contracts.Dataset) *table {
	share := func(millionths int) string { return strconv.FormatFloat(float64(millionths)/10_000, 'f', 2, 64) + " %" }
	t := &table{head: []string{"dataset", string(d.ID)}}
	t.add("state", d.State)
	t.add("made", day(d.Made)+", purpose "+string(d.Purpose))
	t.add("source", list(d.Categories))
	t.add("items", list(d.Items))
	t.add("steps", list(d.Steps))
	t.add("rows", fmt.Sprintf("%d of %d people, in %d groups", d.Rows, d.People, d.Groups))
	t.add("k", fmt.Sprintf("%d people at least share every combination", d.K))
	t.add("risk", "at most "+share(d.MaxRisk)+", mean "+share(d.MeanRisk))
	if d.L > 0 {
		t.add("sensitive", fmt.Sprintf("%d values at least a group; at most %s from the whole", d.L, share(d.T)))
	}
	t.add("left out", fmt.Sprintf("%d rows, %d cells, %d people", d.Suppressed.Rows, d.Suppressed.Cells, d.Suppressed.People))
	for _, k := range d.Criteria {
		t.add(fmt.Sprintf("Rule 34(%d)", k.Number), map[bool]string{true: "met", false: "not met"}[k.Met]+fmt.Sprintf(", %d looked at", k.Checked))
	}
	t.add("destroyed", list(d.Destroyed)+", "+day(d.DestroyedAt))
	if d.Published != nil {
		t.add("published", day(*d.Published)+methodsOf(d))
	}
	for _, p := range d.Provided {
		t.add("provided", fmt.Sprintf("to %s by %s, %s", p.Recipient, p.Method, day(p.Time)))
	}
	t.add("uses", strconv.Itoa(d.Uses))
	t.add("joins refused", strconv.Itoa(d.Joins))
	if d.Ended != nil {
		t.add("files destroyed", day(*d.Ended))
	}
	for _, c := range d.Caveats {
		t.rows = append(t.rows, []string{c})
	}
	return t
}

func methodsOf(d contracts.Dataset) string {
	if len(d.Methods) == 0 {
		return ", for use only"
	}
	return ", to be provided by " + list(d.Methods)
}
