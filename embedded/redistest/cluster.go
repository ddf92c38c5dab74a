package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"inlet/embedded/child"
)

const (
	masters = 3
	nodes   = 6 // each master has a replica
	slots   = 16384
	// busOffset is the difference between a node's port and the one by which the
	// nodes talk.
	busOffset = 10_000
)

// Cluster is a Redis Cluster of three masters with a replica each.
type Cluster struct {
	URL   string // the URLs of all nodes, separated by commas
	Addrs []string

	t     testing.TB
	nodes []*redisServer
}

// StartCluster starts an empty cluster that ends with the test. Where no
// redis-server is installed it skips the test: a Miniredis cannot form a cluster.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	if _, err := exec.LookPath(kindServer); err != nil {
		t.Skip("a cluster needs redis-server")
	}

	c := &Cluster{t: t}
	var urls []string

	for range nodes {
		n, err := startReal(t, func(r *redisServer, host, port string) error {
			r.extra = []string{
				"--cluster-enabled", "yes", "--cluster-announce-ip", host, "--cluster-node-timeout", "1000",
				"--repl-diskless-sync-delay", "0",
			}
			return busFits(port)
		})
		c.must(err)

		c.nodes, c.Addrs = append(c.nodes, n), append(c.Addrs, n.addr)
		urls = append(urls, "redis://"+n.addr)
	}

	c.URL = strings.Join(urls, ",")
	c.must(c.join())
	return c
}

func busFits(port string) error {
	number, err := strconv.Atoi(port)
	if err == nil && number+busOffset >= 1<<16 {
		err = errors.New("the port leaves no room for the nodes' own")
	}
	return err
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("redistest: %v", err)
	}
}

// join makes the nodes one cluster, as redis-cli --cluster create does.
func (c *Cluster) join() error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()

	host, port, err := net.SplitHostPort(c.nodes[0].addr)
	if err != nil {
		return err
	}

	for i, n := range c.nodes {
		client := n.client()
		defer func() { _ = client.Close() }()

		if i < masters {
			err = errors.Join(err, client.ClusterAddSlotsRange(ctx, i*slots/masters, (i+1)*slots/masters-1).Err())
		}
		if i > 0 {
			err = errors.Join(err, client.ClusterMeet(ctx, host, port).Err())
		}
	}
	if err != nil {
		return err
	}

	for i, n := range c.nodes[masters:] {
		if err := c.follow(ctx, n, c.nodes[i]); err != nil {
			return err
		}
	}
	return c.await(ctx, "cluster_state:ok", "cluster_slots_ok:16384", fmt.Sprintf("cluster_known_nodes:%d", nodes))
}

// follow makes a node the replica of a master, once the node knows that master.
func (c *Cluster) follow(ctx context.Context, n, master *redisServer) error {
	client, of := n.client(), master.client()
	defer func() { _, _ = client.Close(), of.Close() }()

	id, err := of.ClusterMyID(ctx).Result()
	if err != nil {
		return err
	}

	for {
		err := client.ClusterReplicate(ctx, id).Err()
		if err == nil {
			break
		}
		if child.Pause(ctx, 10*time.Millisecond) != nil {
			return err
		}
	}

	// A replica that never had its master's data does not replace it.
	return n.awaitInfo(ctx, "replication", "master_link_status:up")
}

// await returns once every running node reports all of want.
func (c *Cluster) await(ctx context.Context, want ...string) error {
	for _, n := range c.nodes {
		if n.process == nil {
			continue
		}

		client := n.client()
		defer func() { _ = client.Close() }()

		for {
			info, err := client.ClusterInfo(ctx).Result()
			if err == nil && containsAll(info, want) {
				break
			}
			if child.Pause(ctx, 10*time.Millisecond) != nil {
				return fmt.Errorf("the cluster did not become %v: %w\n%s", want, err, info)
			}
		}
	}
	return nil
}

func containsAll(text string, want []string) bool {
	for _, w := range want {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// KillMaster kills the node that serves a key and returns once a replica has
// replaced it. A test may call it once.
func (c *Cluster) KillMaster(key string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()

	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs})
	defer func() { _ = client.Close() }()

	master, err := client.MasterForKey(ctx, key)
	c.must(err)

	addr := master.Options().Addr
	for _, n := range c.nodes {
		if n.addr == addr {
			n.kill()
		}
	}

	for {
		client.ReloadState(ctx)
		if now, err := client.MasterForKey(ctx, key); err == nil && now.Options().Addr != addr && now.Ping(ctx).Err() == nil {
			break
		}
		if child.Pause(ctx, 20*time.Millisecond) != nil {
			c.t.Fatal("redistest: no replica took the place of a dead master")
		}
	}

	c.must(c.await(ctx, "cluster_state:ok", "cluster_slots_ok:16384"))
}
