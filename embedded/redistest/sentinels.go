package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// masterName is the sentinels' name for the master.
const masterName = "inlet"

// Sentinels are three sentinels that watch a master and its replica.
type Sentinels struct {
	URL             string
	t               testing.TB
	master, replica *redisServer
}

// StartSentinels starts all five servers, which end with the test. Where no
// redis-server is installed it skips the test.
func StartSentinels(t testing.TB) *Sentinels {
	t.Helper()
	if _, err := exec.LookPath(kindServer); err != nil {
		t.Skip("sentinels need redis-server")
	}

	s := &Sentinels{t: t}
	s.master = s.server()
	host, port, err := net.SplitHostPort(s.master.addr)
	s.must(err)

	s.replica = s.server("--replicaof", host+" "+port)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	s.must(s.replica.awaitInfo(ctx, "replication", "master_link_status:up"))

	var sentinels []*redisServer
	var addrs []string
	for range 3 {
		n := s.sentinel(host, port)
		sentinels, addrs = append(sentinels, n), append(addrs, n.addr)
	}

	for _, n := range sentinels {
		s.must(n.awaitInfo(ctx, "sentinel", "slaves=1,sentinels=3"))
	}

	s.URL = "redis://" + addrs[0] + "?master_name=" + masterName + ",redis://" + strings.Join(addrs[1:], ",redis://")
	return s
}

func (s *Sentinels) server(args ...string) *redisServer {
	s.t.Helper()
	r, err := startReal(s.t, func(r *redisServer, host, _ string) error {
		r.extra = append([]string{"--replica-announce-ip", host, "--repl-diskless-sync-delay", "0"}, args...)
		return nil
	})
	s.must(err)
	return r
}

// sentinel starts a sentinel, which writes its state into its configuration.
func (s *Sentinels) sentinel(masterHost, masterPort string) *redisServer {
	s.t.Helper()
	n, err := startReal(s.t, func(r *redisServer, host, _ string) error {
		r.conf, r.extra = filepath.Join(r.dir, "sentinel.conf"), []string{"--sentinel"}
		return os.WriteFile(r.conf, fmt.Appendf(nil,
			"sentinel monitor %[1]s %[2]s %[3]s 2\nsentinel down-after-milliseconds %[1]s 500\n"+
				"sentinel failover-timeout %[1]s 2000\nsentinel announce-ip %[4]s\n",
			masterName, masterHost, masterPort, host), 0o600)
	})
	s.must(err)
	return n
}

func (s *Sentinels) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("redistest: %v", err)
	}
}

// KillMaster kills the master and returns once the replica has replaced it.
func (s *Sentinels) KillMaster() {
	s.t.Helper()
	s.master.kill()

	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	s.must(s.replica.awaitInfo(ctx, "replication", "role:master"))
}
