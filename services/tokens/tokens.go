// Package tokens says who a bearer is: a role, a holder, and for emitters the sources that they may write under.
//
// Only SHA-256 of a secret is stored. At the first start one token a role is made and its secret written to its own file (0600),
// so that the engine's owner can begin; deployments hand out their own.
package tokens

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/intake"
)

// Roles that a token can have.
var Roles = []events.Word{"emitter", "compliance", "responder", "auditor", "admin"}

// Store keeps tokens in one file. Several processes may share it, as long as one of them makes and revokes: the others hear of it within
// a second.
type Store struct {
	path   string
	mu     sync.RWMutex
	all    []stored
	is     os.FileInfo // of the file as it was read
	looked time.Time
}

// lookEvery is how often the file is looked at for what another process has written.
const lookEvery = time.Second

type stored struct {
	contracts.Token
	Hash string `json:"hash"`
}

// Open reads the tokens of a data folder; at the first start it makes one a role, and says so by answering true.
func Open(dir string) (*Store, bool, error) {
	s := &Store{path: filepath.Join(dir, "tokens.json")}
	err := s.read()
	if err == nil {
		return s, false, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, false, err
	}
	return s.begin(dir)
}

// begin makes one token a role. Of processes that begin at once, one makes them; the others take what it has made.
func (s *Store) begin(dir string) (*Store, bool, error) {
	folder := filepath.Join(dir, "tokens")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, false, fmt.Errorf("making the folder of tokens: %w", err)
	}
	var all []stored
	secrets := map[events.Word]string{}
	for _, role := range Roles {
		t := contracts.Token{Role: role, Holder: "staff:" + string(role)}
		if role == "emitter" {
			t.Sources = []string{"/"}
		}
		made := fresh(&t)
		all = append(all, made)
		secrets[role] = t.Secret
	}
	err := s.put(all, os.Link) // a link, unlike a rename, never replaces what another has just made
	if errors.Is(err, os.ErrExist) {
		return s, false, s.read()
	}
	if err != nil {
		return nil, false, err
	}
	for role, secret := range secrets {
		if err := os.WriteFile(filepath.Join(folder, string(role)), []byte(secret+"\n"), 0o600); err != nil {
			return nil, false, fmt.Errorf("writing a token: %w", err)
		}
	}
	return s, true, nil
}

// fresh gives a token its name and its secret, and answers what is kept of it.
func fresh(t *contracts.Token) stored {
	t.ID = strings.ToLower(rand.Text())[:12]
	t.Created = time.Now().UTC().Truncate(time.Second)
	kept := stored{Token: *t}
	t.Secret = "daicho_" + rand.Text()
	kept.Hash = hash(t.Secret)
	return kept
}

// read takes what the file says.
func (s *Store) read() error {
	f, err := os.Open(s.path)
	if err != nil {
		return fmt.Errorf("reading tokens: %w", err)
	}
	defer f.Close()
	is, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading tokens: %w", err)
	}
	var all []stored
	if err := json.UnmarshalRead(f, &all); err != nil {
		return fmt.Errorf("%s cannot be read; put back a copy, or delete it to begin with new tokens", s.path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.is, s.looked = all, is, time.Now()
	return nil
}

// look reads the file again where another process has written it. One that cannot be read leaves what was known.
func (s *Store) look() {
	s.mu.RLock()
	looked, was := s.looked, s.is
	s.mu.RUnlock()
	if time.Since(looked) < lookEvery {
		return
	}
	is, err := os.Stat(s.path)
	if err == nil && (was == nil || !os.SameFile(is, was) || !is.ModTime().Equal(was.ModTime()) || is.Size() != was.Size()) {
		err = s.read()
	}
	if err == nil {
		s.mu.Lock()
		s.looked = time.Now()
		s.mu.Unlock()
	}
}

// Create makes a token. The answer is the only one that holds the secret.
func (s *Store) Create(t contracts.Token) (contracts.Token, error) {
	if !slices.Contains(Roles, t.Role) {
		return t, problem("role is none of emitter, compliance, responder, auditor, admin")
	}
	if _, ok := events.ParseIdentifier(t.Holder); !ok {
		return t, problem("holder names somebody, as staff:<key>, so that a look at data can be told from another's")
	}
	if t.Role == "emitter" && len(t.Sources) == 0 {
		return t, problem("an emitter's token is bound to at least one source prefix")
	}
	for _, p := range t.Sources {
		if !strings.HasPrefix(p, "/") {
			return t, problem("a source prefix begins with /")
		}
	}
	if err := s.read(); err != nil && !errors.Is(err, os.ErrNotExist) {
		return t, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := fresh(&t)
	return t, s.write(append(slices.Clone(s.all), kept))
}

func problem(detail string) error {
	return &contracts.Problem{Type: "about:blank", Title: "This token cannot be made", Status: 422, Code: "token", Detail: detail}
}

func hash(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

func (s *Store) write(all []stored) error { return s.put(all, os.Rename) }

// put writes the file whole, and has it take its place.
func (s *Store) put(all []stored, place func(from, to string) error) error {
	b, err := json.Marshal(all, jsontext.Multiline(true))
	if err != nil {
		return fmt.Errorf("writing tokens: %w", err)
	}
	tmp := s.path + "." + rand.Text()
	defer func() { _ = os.Remove(tmp) }()
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing tokens: %w", err)
	}
	if err := place(tmp, s.path); err != nil {
		return fmt.Errorf("writing tokens: %w", err)
	}
	s.all = all
	return nil
}

// Caller is who bears a secret.
func (s *Store) Caller(secret string) (intake.Caller, bool) {
	h := hash(secret)
	s.look()
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.all {
		if t.Hash == h {
			return intake.Caller{Role: t.Role, Holder: events.Identifier(t.Holder), Sources: t.Sources, Types: t.Types, Walls: t.Walls}, true
		}
	}
	return intake.Caller{}, false
}

// List are the tokens, without secrets.
func (s *Store) List() []contracts.Token {
	s.look()
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []contracts.Token{}
	for _, t := range s.all {
		out = append(out, t.Token)
	}
	return out
}

// ErrUnknown: there is no such token.
var ErrUnknown = errors.New("no token has this id")

// Revoke ends a token.
func (s *Store) Revoke(id string) error {
	if err := s.read(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(s.all), func(t stored) bool { return t.ID == id })
	if len(all) == len(s.all) {
		return ErrUnknown
	}
	return s.write(all)
}
