// Package mini serves a Miniredis, the Redis inside this process, on a Unix
// socket.
package mini

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"sync"

	"github.com/alicebob/miniredis/v2"
)

// Serve answers the clients of the Unix socket at path, whose stale predecessor
// it removes, until stop is called. Stop breaks their connections; m keeps its
// keys and can be served again.
func Serve(m *miniredis.Miniredis, path string) (stop func(), err error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}

	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}

	// Dial alone starts a server that listens on no port.
	first, err := m.Dial()
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	first.Close()

	server := m.Server()
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server.ServeConn(conn)
		}
	})

	return sync.OnceFunc(func() {
		_ = listener.Close() // also removes the socket
		accepting.Wait()
		m.Close()
	}), nil
}
