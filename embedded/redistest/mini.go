package redistest

import (
	"context"
	"net"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// savedDB is the number of the database that keeps what was saved.
const savedDB = 15

// mini is the embedded one.
type mini struct {
	server *miniredis.Miniredis
}

func newMini() *mini {
	m := &mini{server: miniredis.NewMiniRedis()}
	m.server.ClockTTL(true)
	return m
}

func (m *mini) run(addr string) error {
	// Before anybody else can connect.
	if err := m.copyAll(savedDB, 0); err != nil {
		return err
	}
	m.server.Close() // of what copyAll was connected to
	return m.server.StartAddr(addr)
}

func (m *mini) kill() { m.server.Close() }

func (m *mini) save() error { return m.copyAll(0, savedDB) }

func (m *mini) flush() error {
	m.server.DB(0).FlushDB()
	return nil
}

func (m *mini) forget() error {
	m.server.FlushAll()
	return nil
}

// copyAll makes one database like the other, on a connection that works
// whether the server listens or not.
func (m *mini) copyAll(from, to int) error {
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
