package jetstream

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const scheme = "jetstream://"

// address is what the address of a log says.
type address struct {
	servers  []string // as nats.go takes them; none: inside this process
	replicas int      // zero: nothing is said
}

var errAddress = errors.New("log: the address of a JetStream log is jetstream://host:port, with more hosts after commas and ?settings after them")

// parse reads the address of a log. What it does not know is an error, which never repeats the address: it may hold a password.
func parse(text string) (a address, err error) {
	rest, ok := strings.CutPrefix(text, scheme)
	if !ok {
		return a, errAddress
	}
	hosts, query, _ := strings.Cut(rest, "?")
	for h := range strings.SplitSeq(strings.TrimSuffix(hosts, "/"), ",") {
		if _, _, err := net.SplitHostPort(h); err != nil || strings.ContainsAny(h, "@/#") {
			return a, errAddress
		}
		a.servers = append(a.servers, "nats://"+h)
	}
	settings, err := url.ParseQuery(query)
	if err != nil {
		return a, errAddress
	}
	for key, values := range settings {
		if len(values) != 1 {
			return a, fmt.Errorf("log: the address says %s more than once", known(key))
		}
		switch v := values[0]; key {
		case "replicas":
			switch a.replicas, err = strconv.Atoi(v); {
			case err != nil, a.replicas != 1 && a.replicas != 3 && a.replicas != 5: // an even number outlives no more than the odd one below it
				return a, errors.New("log: replicas in the address is 1, 3 or 5")
			}
		default:
			return a, errors.New("log: the address has a setting that is not known; there is replicas")
		}
	}
	return a, nil
}

// known keeps what is not a setting's name out of an error.
func known(key string) string {
	if key == "replicas" {
		return key
	}
	return "a setting"
}
