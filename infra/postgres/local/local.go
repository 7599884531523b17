// Package local makes a PostgreSQL server of one's own, for tests and measurements: a cluster in a temporary folder, reached by a socket
// there and by nobody else, unless it is told to listen.
package local

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// ErrNone: there is no server to be made here.
var ErrNone = errors.New("PostgreSQL is not installed here (Debian: apt-get install postgresql)")

// Server is a server of one's own.
type Server struct {
	bin  string
	dir  string
	attr *syscall.SysProcAttr
	host string // where it listens, or nothing
	port int
}

// Start makes a cluster and starts it. It flushes to disk as in production if durable is true.
//
// Its language is not C, so that what hangs on an order of texts shows. PostgreSQL does not run as root: then it runs as the user
// postgres.
func Start(durable bool) (*Server, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		if path, err := exec.LookPath("initdb"); err == nil {
			found = []string{path}
		}
	}
	if len(found) == 0 {
		return nil, ErrNone
	}
	slices.Sort(found)
	dir, err := os.MkdirTemp("", "daicho-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: filepath.Dir(found[len(found)-1]), dir: dir, attr: &syscall.SysProcAttr{}}
	if err := s.make(durable); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func (s *Server) make(durable bool) error {
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return errors.New("PostgreSQL does not run as root, and there is no user postgres")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(s.dir, uid, gid); err != nil {
			return err
		}
	}
	args := []string{"-D", s.cluster(), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"}
	if s.do("initdb", append(args, "--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8")...) != nil {
		_ = os.RemoveAll(s.cluster()) // older than 15, or made without ICU
		if err := s.do("initdb", args...); err != nil {
			return err
		}
	}
	s.port = 5432
	settings := "unix_socket_directories = '" + s.dir + "'\nlisten_addresses = ''\nmax_connections = 300\n"
	if !durable {
		settings += "fsync = off\nfull_page_writes = off\n"
	}
	if err := s.add("postgresql.conf", settings); err != nil {
		return err
	}
	return s.Begin()
}

// add adds to one of its files; what comes last counts.
func (s *Server) add(file, text string) error {
	f, err := os.OpenFile(filepath.Join(s.cluster(), file), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// Listen has it reached over TCP too, at an address of this machine, by anybody in the same network. It is started anew for that.
func (s *Server) Listen(host string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return err
	}
	s.host, s.port = host, l.Addr().(*net.TCPAddr).Port
	return errors.Join(l.Close(), s.Cut(), s.add("postgresql.conf", fmt.Sprintf("listen_addresses = '%s'\nport = %d\n", s.host, s.port)),
		s.add("pg_hba.conf", "host all all samenet trust\n"), s.Begin())
}

// Over is the address of one of its databases over TCP.
func (s *Server) Over(database string) string {
	return "postgres://postgres@" + net.JoinHostPort(s.host, strconv.Itoa(s.port)) + "/" + url.PathEscape(database) + "?sslmode=disable"
}

func (s *Server) cluster() string { return filepath.Join(s.dir, "cluster") }

func (s *Server) do(name string, args ...string) error {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.SysProcAttr, cmd.Dir = s.attr, s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.300s", name, err, out)
	}
	return nil
}

// Folder is where all of it lies.
func (s *Server) Folder() string { return s.dir }

// Address is that of one of its databases.
func (s *Server) Address(database string) string {
	return "postgres://postgres@/" + url.PathEscape(database) + "?host=" + url.QueryEscape(s.dir) + "&port=" + strconv.Itoa(s.port)
}

// Cut ends the server as a crash would: every connection breaks, and what was not committed is lost.
func (s *Server) Cut() error {
	return s.do("pg_ctl", "-D", s.cluster(), "-m", "immediate", "-w", "stop")
}

// Begin starts it again.
func (s *Server) Begin() error {
	return s.do("pg_ctl", "-D", s.cluster(), "-w", "-s", "-l", filepath.Join(s.dir, "log"), "start")
}

// Close ends the server, and removes all of it.
func (s *Server) Close() error {
	_ = s.Cut() // it may be down already
	return os.RemoveAll(s.dir)
}
