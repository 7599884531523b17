package postgres

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged gives a connection up whose data nobody acknowledges. Without it, what is under way is sent again for a quarter of an hour.
func unacknowledged(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silent.Milliseconds()))
	})
	if err == nil {
		err = failed
	}
	return err
}
