package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// postgres begins a real server that lets nobody in from the network without TLS and a password, makes what the operators' page makes there, and
// has a place lead to it. As its owner on this machine, shell programs reach it by the answer's variables.
func (p *place) postgres() (owner string) {
	t := p.t
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		missing(t, "a PostgreSQL server (initdb)")
	}
	slices.Sort(found)
	bin := filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("", "daicho-pg-") // its socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // as whom it does not run
		u, err := user.Lookup("postgres")
		if err != nil {
			missing(t, "a user postgres")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	do := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir, cmd.SysProcAttr = dir, attr
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	cluster := filepath.Join(dir, "cluster")
	do("initdb", "-D", cluster, "-U", "postgres", "-E", "UTF8", "-A", "trust", "--no-sync")
	host, port, _ := strings.Cut(free(t, 1)[0], ":")
	for name, text := range map[string]string{
		"postgresql.auto.conf": fmt.Sprintf("listen_addresses = '%s'\nport = %s\nunix_socket_directories = '%s'\nmax_connections = 300\nfsync = off\nssl = on\n", host, port, dir),
		"pg_hba.conf":          "local all postgres trust\nhostssl all daicho all scram-sha-256\n",
		"server.crt":           p.shell("cat secrets/tls.crt"),
		"server.key":           p.shell("cat secrets/tls.key"),
	} {
		path := filepath.Join(cluster, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c := attr.Credential; c != nil {
			if err := os.Chown(path, int(c.Uid), int(c.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	do("pg_ctl", "-D", cluster, "-w", "-s", "-l", filepath.Join(dir, "log"), "start")
	t.Cleanup(func() { do("pg_ctl", "-D", cluster, "-m", "immediate", "-w", "-s", "stop") })

	owner = "export PATH=" + bin + ":$PATH PGHOST=" + dir + " PGPORT=" + port + " PGUSER=postgres\n"
	p.shell("cp secrets/tls.crt secrets/postgres.crt; cp secrets/tls.crt secrets/ca.crt")
	p.shell(owner + p.block("databases"))
	p.paths = append(p.paths, "db.internal", "localhost:"+port, "postgres.postgres.svc", "localhost:"+port, "/etc/daicho/postgres", p.dir+"/secrets")
	p.before = "export PATH=" + bin + ":$PATH\n" + p.block("addresses")
	return owner
}

// keptThere fails unless read models and vault are on the server and not in the data folder.
func (p *place) keptThere() {
	p.t.Helper()
	out := p.shell(p.before + `
		psql "$MODELS" -Atc "select nspname from pg_namespace where nspname like 'daicho%' order by 1"; psql "$VAULT" -Atc "select nspname from pg_namespace where nspname like 'daicho%'"`)
	if want := "daicho_attachments\ndaicho_breach\ndaicho_disposals\ndaicho_dossier\ndaicho_evidence\ndaicho_notices\ndaicho_recipients\ndaicho_retention\ndaicho_states\ndaicho_vault\n"; out != want {
		p.t.Errorf("on the server are\n%s, and not\n%s", out, want)
	}
	for _, folder := range []string{"models", "vault"} {
		if _, err := os.Stat(filepath.Join(p.dir, "data", folder)); !os.IsNotExist(err) {
			p.t.Errorf("there is a folder %s, although it lies on the server (%v)", folder, err)
		}
	}
}

// withoutSecrets fails for arguments in which a password could be.
func withoutSecrets(t *testing.T, what string, args []string) {
	t.Helper()
	for _, a := range args {
		address, ok := strings.CutPrefix(a[strings.IndexByte(a, '=')+1:], "postgres://")
		if !ok {
			continue
		}
		who, _, _ := strings.Cut(address, "@")
		if strings.Contains(who, ":") || strings.Contains(address, "password=") || !strings.Contains(address, "passfile=/") && !strings.Contains(address, "passfile=%d/") || !strings.Contains(address, "sslmode=verify-full") {
			t.Errorf("%s: %s has its password in the command line, or does not look whose server it is", what, a)
		}
	}
}

// The drop-in starts the engine on the server, as another user, beside the other drop-in and without it; and so does Compose's second file.
func TestPostgresDropInAndComposeFile(t *testing.T) {
	for scheme, files := range map[string][]string{"http://": {unit, onPostgres}, "https://": {unit, overTLS, onPostgres}} {
		p := newPlace(t)
		p.postgres()
		withoutSecrets(t, onPostgres, starts(t, files...))
		var as *syscall.Credential
		if os.Getuid() == 0 {
			as = &syscall.Credential{Uid: 65532, Gid: 65532}
			p.shell("chmod 711 . ..; chown 65532:65532 data; chmod 750 secrets; chmod 440 secrets/*; chown -R 0:65532 secrets")
		}
		p.serve(starts(t, files...), as, "%S/daicho", p.dir+"/data", "%d", p.dir+"/secrets")
		if status, body := p.get("/healthz"); status != 200 || !strings.HasPrefix(p.url, scheme) {
			t.Errorf("%s: /healthz at %s: %d %s", files, p.url, status, body)
		}
		p.stop()
		p.shell("chown -R $(id -u) secrets; chmod 400 secrets/*")
		p.keptThere()
	}
	p := newPlace(t)
	p.unit()
	p.emits("first.ndjson", fmt.Sprintf(collected, 1))
	p.stop()
	p.postgres()
	p.begin(starts(t, unit, onPostgres), nil, "%S/daicho", p.dir+"/data", "%d", p.dir+"/secrets")
	if err := <-p.done; err == nil || !strings.Contains(p.out.String(), "--accept-lost-keys") {
		t.Errorf("a register of files, started with a vault that begins empty, ends with %v and says\n%s", err, &p.out)
	}
	p.cmd = nil

	p = newPlace(t)
	p.postgres()
	withoutSecrets(t, "compose.postgres.yaml", p.composed("compose.yaml", "compose.postgres.yaml"))
	p.stop()
	p.keptThere()
}

// Of the kustomization's two pods over one volume, one works; the second stands by, healthy and not ready, so that nobody is led to it and nobody
// kills it; when the first is gone it takes over, and knows what the first has answered.
func TestPostgresPodsTakeOver(t *testing.T) {
	p := newPlace(t)
	p.postgres()
	p.natsServers()
	args := rendered(t, "kubernetes/postgres").set.Spec.Template.Spec.Containers[0].Args
	withoutSecrets(t, "kubernetes/postgres", args)
	p.serve(args, nil, p.pod()...)
	p.emits("first.ndjson", fmt.Sprintf(collected, 1))
	second := &place{t: t, dir: p.dir, client: p.client, paths: p.paths}
	t.Cleanup(second.kill)
	second.begin(args, nil, second.pod()...)
	second.until("it stands by", func() bool {
		status, body := second.get("/readyz")
		return status == 503 && strings.Contains(body, "stands by")
	})
	if status, body := second.get("/healthz"); status != 200 {
		t.Errorf("one that stands by is killed: /healthz says %d %s", status, body)
	}
	p.kill()
	second.until("it has taken over", func() bool { status, _ := second.get("/readyz"); return status == 200 })
	if out := second.daicho("person find rental:C-1"); !strings.Contains(out, "person") {
		t.Errorf("it does not know whom the first has recorded: %s", out)
	}
	second.emits("second.ndjson", fmt.Sprintf(collected, 2))
	second.daicho("verify")
	second.stop()
	p.keptThere()
}

// answered is what some people's records are, opened, and everything that is ever due, a line each.
func (p *place) answered(people ...string) (all []string) {
	p.t.Helper()
	lines := func(what string, each []jsontext) {
		for _, one := range each {
			all = append(all, what+" "+string(one))
		}
	}
	var due struct{ Items []jsontext }
	if err := json.Unmarshal([]byte(p.daicho("due --by 2099-12-31 --limit 1000 -o json")), &due); err != nil || len(due.Items) < 10 {
		p.t.Fatalf("%d items are due (%v)", len(due.Items), err)
	}
	lines("due", due.Items)
	for _, who := range people {
		if !p.finds(who) {
			all = append(all, who+" is nobody")
			continue
		}
		var d struct {
			Person  string
			Records []jsontext
		}
		if err := json.Unmarshal([]byte(p.daicho("dossier "+who+" --purpose DSR-01 --as-of 2026-11-01 -o json")), &d); err != nil {
			p.t.Fatal(err)
		}
		lines(who+" is "+d.Person, d.Records)
	}
	return all
}

// jsontext is JSON without its spaces.
type jsontext []byte

func (j *jsontext) UnmarshalJSON(b []byte) error {
	var out bytes.Buffer
	err := json.Compact(&out, b)
	*j = out.Bytes()
	return err
}

// same fails where two lists of answers differ, with the lines that only one has.
func same(t *testing.T, when string, want, got []string) {
	t.Helper()
	for what, lists := range map[string][2][]string{"is not answered any more": {want, got}, "was not answered before": {got, want}} {
		for _, line := range lists[0] {
			if !slices.Contains(lists[1], line) {
				t.Errorf("%s, this %s: %s", when, what, line)
			}
		}
	}
}

// The page's backup and restores do on PostgreSQL what the page says of them. A vault that is put back forgets again, and all else is answered as
// before; when log and vault are both of the past, what was deleted since is back, and opens, until it is deleted again.
func TestBackupAndRestoreOnPostgres(t *testing.T) {
	p := newPlace(t)
	p.postgres()
	p.shell("mkdir backup; daicho simulate --people 30 --days 120 --seed 7 > events.ndjson")
	p.units = []string{unit, onPostgres}
	p.unit()
	p.daicho("emit events.ndjson")
	mail := strings.Replace(fmt.Sprintf(collected, 2), `"records":[`, `"records":[{"key":"K/mail","category":"pd:EmailAddress","value":"somebody@example.org"},`, 1)
	p.emits("first.ndjson", fmt.Sprintf(collected, 1)+mail)
	deletions := fmt.Sprintf(deletion, 1) + strings.Replace(fmt.Sprintf(deletion, 2), `"person":true`, `"records":["K/mail"]`, 1)
	people := []string{"rental:C-1", "rental:C-2"}
	for _, who := range regexp.MustCompile(`"subject":"([^"]+)"`).FindAllStringSubmatch(p.shell("cat events.ndjson"), -1) {
		if len(people) < 10 && !slices.Contains(people, who[1]) {
			people = append(people, who[1])
		}
	}
	whole := p.answered(people...)
	has := func(all []string, what string) (n int) {
		for _, line := range all {
			n += strings.Count(line, what)
		}
		return n
	}
	if has(whole, "somebody@example.org") != 1 || has(whole, `"value":"somebody"`) != 2 || has(whole, "is nobody") > 2 {
		t.Fatalf("there is too little to be deleted, or kept: %q", whole)
	}
	p.run("backup on PostgreSQL")
	p.shell("mv backup/vault.dump backup/whole.dump")
	p.run("dump the vault") // beside an engine at work

	destroyed := func() int {
		return strings.Count(p.daicho("replay --type keys_destroyed -o json"), `"daicho.keys_destroyed.v1"`)
	}
	before := destroyed()
	p.emits("deletions.ndjson", deletions)
	p.until("both deletions' keys are destroyed", func() bool { return destroyed() == before+2 })
	left := p.answered(people...)
	if has(left, "somebody@example.org") != 0 || has(left, "rental:C-1 is nobody") != 1 {
		t.Fatalf("what was deleted is still answered: %q", left)
	}
	p.run("restore the vault on PostgreSQL")
	same(t, "after the vault was put back", left, p.answered(people...))
	p.emits("later.ndjson", fmt.Sprintf(collected, 3))

	p.shell("mv backup/whole.dump backup/vault.dump")
	p.run("restore everything on PostgreSQL")
	same(t, "after all was put back", whole, p.answered(people...))
	if p.finds("rental:C-3") {
		t.Error("a register of the past knows who came later")
	}
	p.keptThere()
	p.emits("deletions.ndjson", deletions)
	p.emits("later.ndjson", fmt.Sprintf(collected, 3))
	p.until("both deletions' keys are destroyed once more", func() bool { return destroyed() == before+2 })
	if now := p.answered(people...); has(now, "somebody@example.org") != 0 || has(now, "rental:C-1 is nobody") != 1 || !p.finds("rental:C-3") {
		t.Errorf("what is sent again is not as it was: %q", now)
	}
	p.daicho("verify")
	p.stop()
}

// Where a vault goes back beneath an engine at work, the engine notices, and carries out again what was deleted since. Where it was taken past
// that nevertheless, the page's way out of it is one.
func TestVaultThatWentBackBeneathAnEngine(t *testing.T) {
	p := newPlace(t)
	owner := p.postgres()
	p.shell("mkdir backup")
	p.units = []string{unit, onPostgres}
	p.unit()
	p.emits("first.ndjson", fmt.Sprintf(collected, 1)+fmt.Sprintf(collected, 2))
	p.run("dump the vault")
	p.emits("deletion.ndjson", fmt.Sprintf(deletion, 1))
	p.forgotten()
	position := func() string {
		return p.shell(p.before + `psql -At --dbname="$VAULT" --command='select at from daicho_vault.position'`)
	}
	was := position()
	p.until("the destruction is noted", func() bool { was = position(); return was >= "4" })
	back := p.before + `psql --quiet --dbname="$VAULT" --command='drop schema daicho_vault cascade'; pg_restore --exit-on-error --single-transaction --dbname="$VAULT" backup/vault.dump` + "\n"
	p.shell(back)
	p.shell(owner + `psql -Atc "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = 'daicho_vault'"`)
	p.until("who was deleted is forgotten again", func() bool {
		_, body := p.get("/healthz")
		return strings.Contains(body, `"ok"`) && position() >= was && !p.finds("rental:C-1")
	})
	p.daicho("verify")
	p.stop()

	p.shell(back + `psql --quiet --dbname="$VAULT" --command='update daicho_vault.position set at = ` + strings.TrimSpace(was) + `'`)
	p.unit()
	if !p.finds("rental:C-1") {
		t.Fatal("the vault was not taken past the deletion: there is nothing to mend")
	}
	p.run("all deletions again on PostgreSQL")
	if p.finds("rental:C-1") || !p.finds("rental:C-2") {
		t.Error("deletions that are carried out again leave who was deleted, or take others")
	}
	p.stop()
}

// The sizes on the page are those of an engine on PostgreSQL.
func TestSizesOnPostgresAreAsThePageSays(t *testing.T) {
	p := newPlace(t)
	p.postgres()
	p.units = []string{unit, onPostgres}
	ask := func(database, query string) float64 {
		t.Helper()
		n, err := strconv.ParseFloat(strings.TrimSpace(p.shell(p.before+`psql --dbname="$`+database+`" -Atc "`+query+`"`)), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const wal = "select pg_current_wal_insert_lsn() - '0/0'"
	before := ask("VAULT", wal)
	p.unit()
	recorded, people := p.simulated()
	p.stop()
	written := ask("VAULT", wal) - before
	const weight = "select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace where relkind = 'r' and nspname like 'daicho%'"
	says(t, "vault on PostgreSQL", ask("VAULT", weight)/people)
	says(t, "read models together on PostgreSQL", ask("MODELS", weight)/people)
	says(t, "PostgreSQL's own log, of both", written/recorded)
}
