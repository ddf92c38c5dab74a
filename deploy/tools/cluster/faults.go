package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// calm is the time between two faults.
const calm = 15 * time.Second

// trouble causes one fault after the other until ctx ends.
func (c *cluster) trouble(ctx context.Context) error {
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(calm):
		}

		victim := c.processes[turn%len(c.processes)]
		faults := []struct {
			what string
			do   func(context.Context) error
		}{
			{victim.name + " is killed and started again", func(ctx context.Context) error {
				victim.kill()
				return victim.restart(ctx)
			}},
			{victim.name + " is drained and started again", func(ctx context.Context) error {
				victim.drain()
				return victim.restart(ctx)
			}},
			{"Redis is restarted", c.restartRedis},
		}

		fault := faults[turn%len(faults)]
		c.log.Info("fault", "what", fault.what)
		if err := fault.do(ctx); err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the run may end during a fault
			}
			return fmt.Errorf("%s: %w", fault.what, err)
		}
	}
}

// restartRedis ends the server; its supervisor starts it again.
func (c *cluster) restartRedis(ctx context.Context) error {
	o, err := redis.ParseURL(c.redis)
	if err != nil {
		return err
	}

	o.MaxRetries = -1
	rdb := redis.NewClient(o)
	defer func() { _ = rdb.Close() }()
	// The server ends without an answer.
	_ = rdb.ShutdownNoSave(ctx).Err()
	for rdb.Ping(ctx).Err() != nil {
		if err := pause(ctx); err != nil {
			return errors.Join(errors.New("redis did not come back"), err)
		}
	}

	return nil
}
