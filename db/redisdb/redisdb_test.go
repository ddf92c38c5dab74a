package redisdb

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"inlet/embedded/redistest"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		url  string
		want func(c redis.UniversalClient) bool
	}{
		"one server": {"redis://user:secret@host:6380/2", func(c redis.UniversalClient) bool {
			one, ok := c.(*redis.Client)
			return ok && one.Options().Addr == "host:6380" && one.Options().DB == 2 && one.Options().Password == "secret"
		}},
		"one on a socket": {"unix://:secret@/folder/redis.sock?db=2", func(c redis.UniversalClient) bool {
			one, ok := c.(*redis.Client)
			return ok && one.Options().Network == "unix" && one.Options().Addr == "/folder/redis.sock" && one.Options().DB == 2 &&
				one.Options().Password == "secret"
		}},
		"TLS": {"rediss://host", func(c redis.UniversalClient) bool {
			one, ok := c.(*redis.Client)
			return ok && one.Options().TLSConfig != nil && one.Options().TLSConfig.ServerName == "host"
		}},
		"a cluster": {"redis://:secret@a:1, redis://b:2,redis://c:3", func(c redis.UniversalClient) bool {
			cluster, ok := c.(*redis.ClusterClient)
			return ok && len(cluster.Options().Addrs) == 3 && cluster.Options().Password == "secret"
		}},
		"a cluster behind one name": {"rediss://clustercfg.example:6379?cluster=true", func(c redis.UniversalClient) bool {
			cluster, ok := c.(*redis.ClusterClient)
			return ok && cluster.Options().TLSConfig != nil && cluster.Options().ClusterStateReloadInterval == reloadEvery
		}},
		"sentinels": {"redis://:secret@a:26379/1?master_name=inlet&sentinel_password=other,redis://b:26379", func(c redis.UniversalClient) bool {
			one, ok := c.(*redis.Client)
			return ok && one.Options().Addr == "FailoverClient" && one.Options().DB == 1
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Open(test.url, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if !test.want(c) {
				t.Errorf("%T %+v", c, c)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "host:6379", "http://:secret@host", "redis://:secret@host:6379/x", "redis://:secret@host:port",
		"redis://:secret@host?cluster=maybe", "redis://:secret@host?unknown=1", "redis://:secret@a/1,redis://b", "redis://a,",
	} {
		err := Check(url)
		if !errors.Is(err, ErrURL) {
			t.Errorf("%q: %v", url, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the password is in %q", url, err)
		}
	}
}

// TestClusterFailover finds a dead master's successor in seconds.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	followsMaster(t, cluster.URL, func() { cluster.KillMaster("k") }, 10*reloadEvery)
}

// TestSentinels follows a master that sentinels have replaced.
func TestSentinels(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinels(t)
	followsMaster(t, s.URL, s.KillMaster, 30*time.Second)
}

// followsMaster wants the key k to be writable again that long after its master
// was killed.
func followsMaster(t *testing.T, url string, kill func(), patience time.Duration) {
	t.Helper()
	c, err := Open(url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := t.Context()
	if err := c.Set(ctx, "k", "before", 0).Err(); err != nil {
		t.Fatal(err)
	}
	kill()
	dead := time.Now()
	for c.Set(ctx, "k", "after", 0).Err() != nil {
		if time.Since(dead) > patience {
			t.Fatal("the dead master is still called")
		}
	}
}
