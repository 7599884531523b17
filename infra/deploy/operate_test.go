package deploy

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func page(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// block is a shell block of the operators' page, with the paths of a place.
func (p *place) block(name string) string {
	p.t.Helper()
	_, rest, ok := strings.Cut(page(p.t), "<!-- run: "+name+" -->\n```sh\n")
	block, _, whole := strings.Cut(rest, "```")
	if !ok || !whole {
		p.t.Fatalf("the page has no block %q", name)
	}
	return strings.NewReplacer(append([]string{"/var/lib/daicho", p.dir + "/data", "/etc/daicho", p.dir + "/secrets", "/backup", p.dir + "/backup"}, p.paths...)...).Replace(block)
}

// run does what a shell block of the operators' page tells, in a place.
func (p *place) run(name string) {
	p.t.Helper()
	rest := "" // of the lines between stopping and starting
	for line := range strings.Lines(p.block(name)) {
		switch line {
		case "systemctl stop daicho\n":
			p.stop()
		case "systemctl start daicho\n":
			p.shell(p.before + rest)
			rest = ""
			p.unit()
		default:
			rest += line
		}
	}
	p.shell(p.before + rest)
}

// unit starts what the systemd unit starts.
func (p *place) unit() {
	p.t.Helper()
	p.serve(starts(p.t, p.units...), nil, "%S/daicho", p.dir+"/data", "%d", p.dir+"/secrets")
}

// emits sends events, and wants all of them recorded.
func (p *place) emits(name, lines string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(lines), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if out := p.daicho("emit -o json " + name); !strings.Contains(strings.ReplaceAll(out, " ", ""), fmt.Sprintf(`"recorded":%d,`, strings.Count(lines, "\n"))) {
		p.t.Fatalf("%s is not recorded: %s", name, out)
	}
}

func (p *place) finds(identifier string) bool {
	cmd := exec.Command(binary, "--data", p.dir+"/data", "person", "find", identifier)
	return cmd.Run() == nil
}

const (
	collected = `{"specversion":"1.0","id":"c-%[1]d","source":"/rental/web","type":"daicho.collected.v1","subject":"rental:C-%[1]d","time":"2026-04-01T10:00:00+09:00","data":{"records":[{"key":"K/name","category":"pd:Name","value":"somebody"}],"purposes":[{"id":"SVC-01","basis":"contract"}],"matter":"K","operation":"rental","location":"rental-db","channel":"web","transport":"tls","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP","birthdate":"1990-05-01"}}}` + "\n"
	deletion  = `{"specversion":"1.0","id":"d-%[1]d","source":"/privacy/office","type":"daicho.deleted.v1","subject":"rental:C-%[1]d","time":"2026-11-20T00:00:00Z","data":{"person":true,"cause":"request"}}` + "\n"
)

// forgotten waits until every deletion's keys are destroyed.
func (p *place) forgotten() {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(p.daicho("replay --type keys_destroyed -o json"), `"person":true`); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatal("no key is destroyed")
		}
	}
}

// The page's backup and restores do what the page says of them: a restored vault forgets again, one that lacks people is not started on, and
// when log and vault are both of the past, what was deleted since is back until it is deleted again.
func TestBackupAndRestore(t *testing.T) {
	for _, tool := range []string{"openssl", "tar"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, tool)
		}
	}
	p := newPlace(t)
	p.shell("mkdir backup; rm -f secrets/root.key")
	p.run("root key")
	p.unit()
	p.emits("first.ndjson", fmt.Sprintf(collected, 1)+fmt.Sprintf(collected, 2))
	p.run("backup")
	if names := p.shell("tar -tzf backup/daicho.tar.gz"); !strings.Contains(names, "vault.db") || !strings.Contains(names, "tokens") || strings.Contains(names, "models") || strings.Contains(names, "root.key") {
		t.Errorf("the backup holds\n%s", names)
	}
	p.emits("deletion.ndjson", fmt.Sprintf(deletion, 1))
	p.forgotten()
	p.run("restore the vault")
	if p.finds("rental:C-1") || !p.finds("rental:C-2") {
		t.Error("a restored vault remembers whom it had forgotten, or forgets others")
	}
	p.emits("later.ndjson", fmt.Sprintf(collected, 3))
	p.stop()
	p.shell("mv data/vault kept; tar -C data -xzf backup/daicho.tar.gz ./vault")
	out, err := exec.Command(binary, "serve", "--data="+p.dir+"/data", "--root-key="+p.dir+"/secrets/root.key", "--listen=127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--accept-lost-keys") {
		t.Errorf("with a vault that lacks somebody it ends with %v and says\n%s", err, out)
	}
	p.shell("rm -rf data/vault; mv kept data/vault")
	p.unit()
	if !p.finds("rental:C-3") {
		t.Error("the later vault does not know who came later")
	}
	p.run("restore everything")
	if !p.finds("rental:C-1") || p.finds("rental:C-3") {
		t.Error("a machine of the past knows other people than it did: the page says that what was deleted since is back")
	}
	p.emits("deletion.ndjson", fmt.Sprintf(deletion, 1))
	p.emits("later.ndjson", fmt.Sprintf(collected, 3))
	p.forgotten()
	if p.finds("rental:C-1") || !p.finds("rental:C-3") {
		t.Error("what is sent again is not as it was")
	}
	p.daicho("verify") // fails where something does not agree
	p.stop()
}

// weigh is how many bytes lie below a folder.
func weigh(t *testing.T, dir string) (n float64) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		n += float64(info.Size())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// simulated sends a year of a thousand people, and answers how many events are recorded, of how many people.
func (p *place) simulated() (recorded, people float64) {
	p.t.Helper()
	p.shell("daicho simulate --people 1000 --days 365 --seed 5 > events.ndjson")
	p.daicho("emit events.ndjson")
	row := regexp.MustCompile(`(?m)^dossier\s+(\d+)\s+0\s+live\s+(\d+)`).FindStringSubmatch(p.daicho("models status"))
	if row == nil {
		p.t.Fatal("the dossier is not level")
	}
	recorded, err := strconv.ParseFloat(row[1], 64)
	if err != nil {
		p.t.Fatal(err)
	}
	if people, err = strconv.ParseFloat(row[2], 64); err != nil {
		p.t.Fatal(err)
	}
	return recorded, people
}

// says compares a size with the page's line: within a third, as a small register has blocks that are not full.
func says(t *testing.T, line string, measure float64) {
	t.Helper()
	m := regexp.MustCompile(`(?m)^\| ` + line + ` \| ([\d.]+) (bytes|kB) an? (?:event|person) \|`).FindStringSubmatch(page(t))
	if m == nil {
		t.Errorf("the page has no line %s", line)
		return
	}
	says, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	if m[2] == "kB" {
		says *= 1000
	}
	t.Logf("%s: %.0f", line, measure)
	if ratio := measure / says; math.Abs(math.Log(ratio)) > math.Log(4.0/3) {
		t.Errorf("%q, and it is %.0f bytes", m[0], measure)
	}
}

// The sizes on the page are those of an engine.
func TestSizesAreAsThePageSays(t *testing.T) {
	p := newPlace(t)
	p.unit()
	recorded, people := p.simulated()
	p.stop()
	says(t, "log", weigh(t, p.dir+"/data/log")/recorded)
	says(t, "vault", weigh(t, p.dir+"/data/vault")/people)
	says(t, "read models together", weigh(t, p.dir+"/data/models")/people)
	if per := recorded / people; per < 8 || per > 10 {
		t.Errorf("the page counts with nine events a person and year, and there are %.1f", per)
	}
}

// Every command, flag and file that the page names is there, and it says what each part of a red health check means.
func TestThePageNamesWhatIsThere(t *testing.T) {
	text := page(t)
	commands := regexp.MustCompile("`daicho ([a-z]+(?: [a-z]+)?)").FindAllStringSubmatch(text, -1)
	if len(commands) < 10 {
		t.Errorf("the page names %d commands", len(commands))
	}
	for _, c := range commands {
		help, err := exec.Command(binary, append(strings.Fields(c[1]), "--help")...).Output()
		names := strings.TrimSuffix(c[1], " breach") // an argument
		if err != nil || !regexp.MustCompile(`(?m)^  daicho `+names+`( |$)`).Match(help) {
			t.Errorf("there is no `daicho %s` (%v)", c[1], err)
		}
	}
	for _, f := range regexp.MustCompile("`(--[a-z-]+)`").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(strings.Join(flags, " ")+" ", f[1]+" ") {
			t.Errorf("there is no %s", f[1])
		}
	}
	for _, l := range regexp.MustCompile(`\]\(([^)#]+)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(l[1]); err != nil {
			t.Errorf("the page leads to nothing: %v", err)
		}
	}
	ways, err := filepath.Glob(house + "/services/edges/*.go") // no engine here has them open
	if err != nil || len(ways) == 0 {
		t.Fatal("the ways in are somewhere else now")
	}
	for _, f := range ways {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range regexp.MustCompile(`name: "(intake from [^"]+)"`).FindAllSubmatch(b, -1) {
			if !strings.Contains(text, "`"+string(w[1])+"`") {
				t.Errorf("the page does not say what it means that %q is stuck", w[1])
			}
		}
	}
	for _, l := range exported(t) {
		if part := l.Get("part"); part != "" && !strings.Contains(text, "`"+part+"`") {
			t.Errorf("the page does not say what it means that %q is stuck", part)
		}
	}
}
