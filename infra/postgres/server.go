package postgres

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/daicho-dev/daicho/contracts"
)

// Scheme says whether a text is the address of a PostgreSQL server.
func Scheme(s string) bool {
	return strings.HasPrefix(s, "postgres://") || strings.HasPrefix(s, "postgresql://")
}

// Server is a database of a server that belongs to one register. Nothing is connected before a place is opened.
type Server struct{ config *pgx.ConnConfig }

// At reads an address: postgres://user@host:port/database, with libpq's settings (sslmode and its like) as its query. What it does not
// say, libpq's environment variables and password file do.
//
// The error does not repeat the address, which may hold a password.
func At(url string) (*Server, error) {
	if !Scheme(url) {
		return nil, errors.New("the address of a PostgreSQL server is postgres://user@host:port/database")
	}
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the address of the PostgreSQL server cannot be read: postgres://user@host:port/database?sslmode=verify-full")
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	return &Server{c}, nil
}

// Place is a schema for what the log can give again: nobody waits for the server's disk. A crash of the server may lose the last
// transactions, whole ones and positions with them, while a Database is open on it; a projection's store notices by its position.
func (s *Server) Place(name string) contracts.Place { return s.place(name, false) }

// Durable is a schema in which a committed transaction is on the server's disk. What it replaced lingers there: dead rows until they are
// vacuumed, the server's log and its backups for as long as they are kept.
func (s *Server) Durable(name string) contracts.Place { return s.place(name, true) }

func (s *Server) place(name string, durable bool) contracts.Place {
	return &schema{server: s, name: "daicho_" + name, durable: durable}
}

// settings of a session on a schema.
//
// Where a machine goes silent without a word, its connection would hold the lease until the server gives it up: after these keepalives, or
// when what it has sent is not acknowledged.
func (s *Server) settings(name string) *pgx.ConnConfig {
	c := s.config.Copy()
	c.RuntimeParams["search_path"] = pgx.Identifier{name}.Sanitize()
	c.RuntimeParams["application_name"] = name
	c.RuntimeParams["tcp_keepalives_idle"] = seconds(idle)
	c.RuntimeParams["tcp_keepalives_interval"] = seconds(interval)
	c.RuntimeParams["tcp_keepalives_count"] = strconv.Itoa(count)
	c.RuntimeParams["tcp_user_timeout"] = seconds(silent) + "s"
	c.DialFunc = dial
	return c
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

var (
	texts    = regexp.MustCompile(`(?i)\btext\b`)
	clusters = regexp.MustCompile(`(?i)\)\s*without\s+rowid\b`)
)

// dialect is a statement that makes a table, as PostgreSQL takes it: texts compare by their bytes whatever the database's own language
// is, and rows lie where they fall.
func dialect(statement string) string {
	return texts.ReplaceAllString(clusters.ReplaceAllString(statement, ")"), `text collate "C"`)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s on PostgreSQL: %w", what, err)
}
