package clustertest

import (
	"fmt"
	"io"
	"os"

	"github.com/nats-io/nats-server/v2/server"
)

const confKey = "DAICHO_CLUSTERTEST_CONF"

// A test binary that finds this in its environment is a server, and nothing else.
func init() {
	if conf := os.Getenv(confKey); conf != "" {
		if err := serve(conf); err != nil {
			fmt.Fprintln(os.Stderr, "clustertest:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// serve runs a server until the test that started it is gone.
func serve(conf string) error {
	o, err := server.ProcessConfigFile(conf)
	if err != nil {
		return err
	}
	o.NoSigs = true
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}
