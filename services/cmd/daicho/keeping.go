package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
	"github.com/daicho-dev/daicho/services/api"
)

// keeping is where the engine keeps its rows: in files of the data folder, or in schemas of a PostgreSQL database.
//
// What goes to --models is what another instance needs to go on where this one ended: read models and person states, of course; how far
// recipients have been told, so that they are not told again and what was given up stays given up; and the lists of disposals, without
// which what was approved could not be carried out. Uploads that wait for their record stay beside the files that hold them, or, where
// several processes take events, lie beside the vault.
type keeping struct {
	data, root    string
	models, vault *postgres.Server // nil: files
	together      bool             // other processes have the vault open too
}

func newKeeping(c Config) (*keeping, error) {
	k := &keeping{data: c.Data, root: c.RootKey, together: c.parts() != nil}
	if k.root == "" {
		k.root = filepath.Join(c.Data, "root.key")
	}
	var err error
	if k.models, err = serverOf("--models", c.Models); err != nil {
		return nil, err
	}
	k.vault, err = serverOf("--vault", c.Vault)
	return k, err
}

func serverOf(flag, address string) (*postgres.Server, error) {
	switch {
	case address == "" || address == "sqlite":
		return nil, nil
	case postgres.Scheme(address):
		s, err := postgres.At(address)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		return s, nil
	}
	return nil, fmt.Errorf("%s is sqlite, or postgres://user@host:port/database", flag)
}

func (k *keeping) model(name string) contracts.Place {
	if k.models != nil {
		return k.models.Place(name)
	}
	return sqlite.File(filepath.Join(k.data, "models", name+".db"))
}

// states are written behind, and remembered: a server's crash must not take back what is remembered.
func (k *keeping) states(ctx context.Context) (contracts.Database, error) {
	if k.models != nil && !k.together { // several that record have states of their own, each as far as it has read
		return k.models.Durable("states").Open(ctx)
	}
	return statesFile(k.data).Open(ctx)
}

func statesFile(data string) contracts.Place {
	return sqlite.File(filepath.Join(data, "models", "states.db"))
}

func (k *keeping) notices(ctx context.Context) (contracts.Database, error) {
	if k.models != nil {
		return k.models.Durable("notices").Open(ctx)
	}
	return sqlite.Open(ctx, filepath.Join(k.data, "notices.db"))
}

func (k *keeping) lists(ctx context.Context) (contracts.Database, error) {
	if k.models != nil {
		return k.models.Durable("disposals").Open(ctx)
	}
	return sqlite.Durable(ctx, filepath.Join(k.data, "disposals", "lists.db"))
}

// uploads lie with the vault where several processes take events: the keys of what waits are there, and are put back from a copy together
// with it.
func (k *keeping) uploads(ctx context.Context) (contracts.Database, error) {
	if k.together {
		return k.vault.Together("uploads").Open(ctx)
	}
	return sqlite.Durable(ctx, filepath.Join(k.data, "objects", "uploads.db"))
}

// uploadsName is what the store is called while it is watched; a file is not.
func (k *keeping) uploadsName() string {
	if k.together {
		return "the store of uploads"
	}
	return ""
}

// uploadsTurn is the statement by which a transaction on uploads waits for its turn, where there are others.
func (k *keeping) uploadsTurn() string {
	if k.together {
		return k.vault.Turn("uploads")
	}
	return ""
}

// openVault opens the vault; beside it, the database that it lies in, for who wants to know whether it can be reached.
func (k *keeping) openVault(ctx context.Context) (*vault.Vault, contracts.Database, error) {
	db, opts := contracts.Database{}, vault.Options{}
	var err error
	switch {
	case k.vault != nil && k.together:
		opts.Lingers, opts.Turn = true, k.vault.Turn("vault")
		db, err = k.vault.Together("vault").Open(ctx)
	case k.vault != nil:
		opts.Lingers = true
		db, err = k.vault.Durable("vault").Open(ctx)
	default:
		db, err = vault.SQLite(filepath.Join(k.data, "vault"))
	}
	if err != nil {
		return nil, db, err
	}
	// Read now, and not before: while this one stood by, another may have gone on to a new epoch.
	root, err := rootkey.File(k.root)
	if err != nil {
		return nil, db, errors.Join(err, db.Close())
	}
	v, err := vault.New(ctx, db, root, opts)
	return v, db, err
}

// again is how long an instance that stands by waits before it asks again, and between two looks at whether what is kept can be reached.
const again = time.Second

// keep opens what the engine keeps. While another instance is at work on any of it, this one stands by, with nothing open of it.
func (e *Engine) keep(ctx context.Context) error {
	if err := os.MkdirAll(e.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	for {
		err := e.keepNow(ctx)
		if err == nil {
			e.waits.Store(nil)
			return nil
		}
		err = errors.Join(err, e.letGo())
		if !errors.Is(err, contracts.ErrStandby) {
			return err
		}
		if e.waits.Swap(&err) == nil {
			e.logger.Info().Err(err).Msg("standing by")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(again):
		}
	}
}

func (e *Engine) keepNow(ctx context.Context) (err error) {
	all := map[string]contracts.Database{}
	if e.only.keys() {
		var in contracts.Database
		if e.vault, in, err = e.keeping.openVault(ctx); err != nil {
			return err
		}
		all["the vault"] = in
	}
	for _, s := range []struct {
		name string
		here bool
		db   *contracts.Database
		open func(context.Context) (contracts.Database, error)
	}{
		{"the store of person states", e.only.records(), &e.states, e.keeping.states}, {e.keeping.uploadsName(), e.only.uploads(), &e.uploads, e.keeping.uploads},
		{"the store of notices", e.only.has(api.Office), &e.notices, e.keeping.notices}, {"the store of disposals", e.only.has(api.Office), &e.lists, e.keeping.lists},
	} {
		if !s.here {
			continue
		}
		if *s.db, err = s.open(ctx); err != nil {
			return err
		}
		if s.name != "" {
			all[s.name] = *s.db
		}
	}
	go e.lookAfter(ctx, all)
	return nil
}

// lookAfter looks whether what is kept can be reached. Where another instance has taken over, this one ends: what it holds in memory is
// not true any more.
func (e *Engine) lookAfter(ctx context.Context, all map[string]contracts.Database) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
		var cut error
		for what, db := range all {
			err := db.Write.PingContext(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case errors.Is(err, contracts.ErrSuperseded):
				e.fail(fmt.Errorf("%s: %w", what, err), "the engine ends")
				return
			case err != nil:
				cut = fmt.Errorf("%s cannot be reached: %w", what, err)
			}
		}
		if cut == nil {
			e.cut.Store(nil)
			continue
		}
		if e.cut.Swap(&cut) == nil {
			e.logger.Warn().Err(cut).Msg("cut off; it is tried again")
		}
	}
}

// letGo closes what keep has opened, once or again.
func (e *Engine) letGo() error {
	var err error
	for _, db := range []*contracts.Database{&e.lists, &e.notices, &e.uploads, &e.states} {
		err = errors.Join(err, db.Close())
	}
	if e.vault != nil {
		err = errors.Join(err, e.vault.Close())
	}
	return err
}
