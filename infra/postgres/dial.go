package postgres

import (
	"context"
	"net"
	"time"
)

// Where a network loses what is sent and tells nobody, either side finds out by itself: from keepalives that nobody answers, or from data that
// nobody acknowledges.
const (
	idle     = 5 * time.Second
	interval = 3 * time.Second
	count    = 3
	silent   = idle + count*interval
)

// dial connects with that on this side; the server is asked for the same on its own (settings).
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: idle, Interval: interval, Count: count}, Control: unacknowledged}
	return d.DialContext(ctx, network, address)
}
