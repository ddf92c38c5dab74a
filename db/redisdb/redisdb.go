// Package redisdb owns the connection to Redis: to one server, to a cluster, or to
// the master that sentinels name. It promises that commands fail soon when Redis
// does not answer, because senders can be served without it, and that clients find
// a dead master's successor within seconds.
package redisdb

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// reloadEvery is the age at which the client reloads the list of a cluster's nodes.
// With its default of a minute it would call a dead master that long: a refused
// connection does not make it reload.
const reloadEvery = 2 * time.Second

// ErrURL means that a URL is not one of Redis. It does not contain the URL, which
// may contain a password.
var ErrURL = errors.New("no URL such as redis://host:6379")

// Options of a client.
type Options struct {
	// PoolSize bounds the connections to each server; 0 means ten for each processor.
	PoolSize int
}

// Check returns the error of Open for the URL.
func Check(rawURL string) error {
	_, err := parse(rawURL)
	return err
}

// Open returns a client, which connects on first use.
//
// The URL is redis://, with TLS rediss://, or with a socket's path unix://. Several
// URLs separated by commas, or one with ?cluster=true, name the nodes of a cluster.
// With ?master_name=NAME they name sentinels (whose own password is
// sentinel_password). The first URL contains the user, the password and the
// database.
func Open(rawURL string, opts Options) (redis.UniversalClient, error) {
	o, err := parse(rawURL)
	if err != nil {
		return nil, err
	}

	o.PoolSize = opts.PoolSize
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = time.Second, 2*time.Second, 2*time.Second, 2*time.Second
	o.MaxRetries, o.DialerRetries = 1, 1
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true

	if o.MasterName == "" && (o.IsClusterMode || len(o.Addrs) > 1) {
		c := o.Cluster()
		c.ClusterStateReloadInterval = reloadEvery
		return redis.NewClusterClient(c), nil
	}
	return redis.NewUniversalClient(o), nil
}

func parse(rawURL string) (*redis.UniversalOptions, error) {
	all := &redis.UniversalOptions{}
	for i, text := range strings.Split(rawURL, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil {
			return nil, ErrURL
		}

		query := u.Query()
		own := func(name string) string {
			value := query.Get(name)
			query.Del(name)
			return value
		}
		master, cluster := own("master_name"), own("cluster")
		user, password := own("sentinel_username"), own("sentinel_password")

		u.RawQuery = query.Encode()
		o, err := redis.ParseURL(u.String())
		if err != nil || cluster != "" && cluster != "true" {
			return nil, ErrURL
		}
		all.Addrs = append(all.Addrs, o.Addr)
		if i > 0 {
			continue
		}

		all.Username, all.Password, all.DB, all.TLSConfig = o.Username, o.Password, o.DB, o.TLSConfig
		all.MasterName, all.SentinelUsername, all.SentinelPassword = master, user, password
		all.IsClusterMode = cluster == "true"
	}

	if all.DB != 0 && (all.IsClusterMode || all.MasterName == "" && len(all.Addrs) > 1) {
		return nil, fmt.Errorf("%w: a cluster has no numbered databases", ErrURL)
	}
	return all, nil
}
