// Package pgtest gives tests databases of a PostgreSQL server: the one that DAICHO_POSTGRES names (as somebody who may make databases),
// or one that is made for the test. Where there is neither, the test is skipped, and with DAICHO_CI=1 it fails.
package pgtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/infra/postgres/local"
)

// Server is what databases are made on.
type Server struct {
	named string        // by DAICHO_POSTGRES
	own   *local.Server // else
}

// Start finds a server, or makes one that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	if named := os.Getenv("DAICHO_POSTGRES"); named != "" {
		if !postgres.Scheme(named) {
			t.Fatal("DAICHO_POSTGRES is the address of a server: postgres://user@host:port/database")
		}
		return &Server{named: named}
	}
	return Own(t)
}

// Own makes a server for the test alone, which it may cut off.
func Own(t testing.TB) *Server {
	t.Helper()
	own, err := local.Start(false)
	if err != nil {
		if os.Getenv("DAICHO_CI") == "1" {
			t.Fatalf("this test needs PostgreSQL: %v", err)
		}
		t.Skipf("SKIPPED, NOTHING WAS TESTED: %v; or name a server with DAICHO_POSTGRES=postgres://…", err)
	}
	t.Cleanup(func() { _ = own.Close() })
	return &Server{own: own}
}

// Listen has a server of the test's own reached over TCP, at an address of this machine.
func (s *Server) Listen(t testing.TB, host string) {
	t.Helper()
	if err := s.own.Listen(host); err != nil {
		t.Fatal(err)
	}
}

// Over is the address over TCP of a database of a server that listens.
func (s *Server) Over(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the address of a database of the test cannot be read")
	}
	return s.own.Over(strings.TrimPrefix(u.Path, "/"))
}

// Database makes a database that is gone after the test, and answers its address.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := "daicho_test_" + strings.ToLower(rand.Text())
	s.do(t, `create database `+name)
	t.Cleanup(func() { s.do(t, `drop database if exists `+name+` with (force)`) })
	return s.address(t, name)
}

// Copy makes a database that holds what another one does, which nobody has open.
func (s *Server) Copy(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the address of a database of the test cannot be read")
	}
	name := "daicho_test_" + strings.ToLower(rand.Text())
	s.do(t, `create database `+name+` template `+strings.TrimPrefix(u.Path, "/"))
	t.Cleanup(func() { s.do(t, `drop database if exists `+name+` with (force)`) })
	return s.address(t, name)
}

// Folder is where everything of a server of the test's own lies; of one that DAICHO_POSTGRES names it is empty.
func (s *Server) Folder() string {
	if s.own == nil {
		return ""
	}
	return s.own.Folder()
}

// At is Database, opened.
func (s *Server) At(t testing.TB) *postgres.Server {
	t.Helper()
	at, err := postgres.At(s.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func (s *Server) address(t testing.TB, database string) string {
	if s.own != nil {
		return s.own.Address(database)
	}
	u, err := url.Parse(s.named)
	if err != nil {
		t.Fatal("DAICHO_POSTGRES cannot be read")
	}
	u.Path = "/" + database
	return u.String()
}

func (s *Server) do(t testing.TB, query string) {
	t.Helper()
	address := s.named
	if s.own != nil {
		address = s.own.Address("postgres")
	}
	ctx := context.Background()
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatalf("connecting to the test's PostgreSQL: %v", err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, query); err != nil {
		t.Fatalf("making a database for the test: %v", err)
	}
}

// Cut ends a server of the test's own as a crash would; Begin starts it again.
func (s *Server) Cut(t testing.TB) {
	t.Helper()
	if err := s.own.Cut(); err != nil {
		t.Error(err)
	}
}

// Begin starts it again.
func (s *Server) Begin(t testing.TB) {
	t.Helper()
	if err := s.own.Begin(); err != nil {
		t.Error(err)
	}
}
