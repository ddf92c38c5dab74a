package redistest

import (
	"context"
	"net"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"inlet/embedded/mini"
)

// savedDB is the number of the database with the saved keys.
const savedDB = 15

// miniServer is a Miniredis.
type miniServer struct {
	server *miniredis.Miniredis
	stop   func() // nil before the first run
}

func newMini() *miniServer {
	return &miniServer{server: miniredis.NewMiniRedis()}
}

func (m *miniServer) run(addr string) (err error) {
	// Before any client can connect.
	if err := m.copyAll(savedDB, 0); err != nil {
		return err
	}

	m.server.Close() // the server that copyAll started
	m.stop, err = mini.Serve(m.server, addr)
	return err
}

func (m *miniServer) kill() {
	if m.stop != nil {
		m.stop()
	}
}

func (m *miniServer) save() error { return m.copyAll(0, savedDB) }

func (m *miniServer) flush() error {
	m.server.DB(0).FlushDB()
	return nil
}

func (m *miniServer) forget() error {
	m.server.FlushAll()
	return nil
}

// copyAll replaces one database by a copy of another, whether the server runs or
// not.
func (m *miniServer) copyAll(from, to int) error {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{
		DB:              from,
		DisableIdentity: true,
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return m.server.Dial() },
	})
	defer func() { _ = client.Close() }()

	if err := client.ScriptFlush(ctx).Err(); err != nil && from == savedDB {
		return err
	}

	m.server.DB(to).FlushDB()
	for _, key := range m.server.DB(from).Keys() {
		if err := client.Copy(ctx, key, key, to, true).Err(); err != nil {
			return err
		}
	}
	return nil
}
