package jetstream

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// address is what the address of a log says.
type address struct {
	servers  []string // as nats.go takes them; none: inside this process
	replicas int      // zero: nothing is said
	alone    bool     // nobody else reaches the server
	tls      bool
	user     string
	files    map[string]string // by setting
}

// The settings of an address that name files. None holds a secret itself: others on the machine see command lines.
const (
	sCA       = "tlsCaFile"    // the authorities that the servers' certificates come from, if not the system's
	sCert     = "userCertFile" // the client's certificate, and its key
	sKey      = "userKeyFile"
	sCreds    = "creds" // a user's JWT and seed, as `nsc` writes them
	sPassword = "passwordFile"
	sToken    = "tokenFile"
)

var fileSettings = []string{sCA, sCert, sKey, sCreds, sPassword, sToken}

// Where a password or a token may stand instead of a file.
const (
	passwordVariable = "DAICHO_LOG_PASSWORD"
	tokenVariable    = "DAICHO_LOG_TOKEN"
)

var (
	errAddress = errors.New("log: the address of a JetStream log is jetstream://host:port, with more hosts after commas and ?settings after them")
	errSecret  = errors.New("log: the address of a JetStream log holds no user and password, as others on the machine would see them: say ?user= and put " +
		"the password into a file (passwordFile=) or into " + passwordVariable)
	errSetting = errors.New("log: the address has a setting that is not known; there are replicas, tls, user, " + strings.Join(fileSettings, ", "))
)

// parse reads the address of a log. What is wrong with it is said without repeating it: it may hold a password.
func parse(text string) (a address, err error) {
	rest, ok := strings.CutPrefix(text, "jetstream://")
	if !ok {
		return a, errAddress
	}
	hosts, query, _ := strings.Cut(rest, "?")
	for h := range strings.SplitSeq(strings.TrimSuffix(hosts, "/"), ",") {
		if strings.Contains(h, "@") {
			return a, errSecret
		}
		host, port, err := net.SplitHostPort(h)
		if err != nil || host == "" || port == "" || strings.ContainsAny(h, "/#") {
			return a, errAddress
		}
		ip, _ := netip.ParseAddr(host)
		a.tls = a.tls || host != "localhost" && !ip.IsLoopback()
		a.servers = append(a.servers, "nats://"+h)
	}
	settings, err := url.ParseQuery(query)
	if err != nil {
		return a, errAddress
	}
	a.files = map[string]string{}
	for key, values := range settings {
		v := values[0]
		switch {
		case !slices.Contains(fileSettings, key) && key != "replicas" && key != "tls" && key != "user":
			return a, errSetting
		case len(values) > 1 || v == "":
			return a, fmt.Errorf("log: the address says %s more than once, or nothing in it", key)
		case key == "replicas":
			switch a.replicas, err = strconv.Atoi(v); {
			case err != nil, a.replicas != 1 && a.replicas != 3 && a.replicas != 5: // an even number outlives no more than the odd one below it
				return a, errors.New("log: replicas in the address is 1, 3 or 5")
			}
		case key == "tls" && v != "true" && v != "false":
			return a, errors.New("log: tls in the address is true or false")
		case key == "user":
			a.user = v
		case key != "tls":
			a.files[key] = v
		}
	}
	if said := settings.Get("tls"); said != "" {
		a.tls = said == "true"
	} else if a.files[sCA] != "" || a.files[sCert] != "" {
		a.tls = true
	}
	return a, a.sound()
}

// sound says what does not go together.
func (a address) sound() error {
	has := func(setting string) bool { return a.files[setting] != "" }
	switch {
	case !a.tls && (has(sCA) || has(sCert)):
		return fmt.Errorf("log: the address says tls=false and names certificates")
	case has(sCert) != has(sKey):
		return fmt.Errorf("log: %s and %s in the address go together", sCert, sKey)
	case has(sCreds) && (has(sToken) || a.user != ""), has(sToken) && a.user != "":
		return fmt.Errorf("log: the address names one of %s, user and %s", sCreds, sToken)
	case has(sPassword) && a.user == "":
		return fmt.Errorf("log: %s in the address needs user", sPassword)
	}
	return nil
}

// secret reads a file, or else a variable of the environment. It is asked at every connection, so that a file may be
// renewed while the engine runs.
func (a address) secret(setting, variable string) string {
	if file := a.files[setting]; file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	return os.Getenv(variable)
}
