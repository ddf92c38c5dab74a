package child

import (
	"context"
	"net"
)

// FreePort is a port of 127.0.0.1 that nobody uses now. Somebody else may take
// it before a server does: then another has to be tried.
func FreePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
