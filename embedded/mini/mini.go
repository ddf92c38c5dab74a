// Package mini serves a Miniredis, the Redis inside this process, on a Unix
// socket.
package mini

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Serve answers the clients of the Unix socket at path, whose stale predecessor
// it removes, until stop is called. Stop breaks their connections; m keeps its
// keys and can be served again.
//
// Keys expire by the machine's clock, up to a tenth of a second late. m's own ClockTTL
// would sort all keys before each command, those of scripts included.
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
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server.ServeConn(conn)
		}
	})

	over := make(chan struct{})
	serving.Go(func() { expire(m, over) })

	return sync.OnceFunc(func() {
		close(over)
		_ = listener.Close() // also removes the socket
		serving.Wait()
		m.Close()
	}), nil
}

// expire lets m's keys expire until over is closed.
func expire(m *miniredis.Miniredis, over <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()

	for last := time.Now(); ; {
		select {
		case <-over:
			return
		case <-tick.C:
			now := time.Now()
			m.FastForward(now.Sub(last))
			last = now
		}
	}
}
