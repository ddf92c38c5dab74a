package stats

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"inlet/link"
)

// Links counts what came through these links; an unused link is not in the answer.
// It asks Redis in one round trip, or Postgres when Redis is away or lacks the
// counters. After a deletion of pictures Redis still knows the time of the last use,
// and Postgres that of the last upload that is left.
func (s *Service) Links(ctx context.Context, ids []link.ID) (map[link.ID]link.Usage, error) {
	if len(ids) == 0 {
		return map[link.ID]link.Usage{}, nil
	}
	if used, err := s.linksRedis(ctx, ids); err == nil {
		return used, nil
	}

	used := map[link.ID]link.Usage{}
	err := s.truth.Links(ctx, s.pool, ids, func(l Link) error {
		used[l.ID] = link.Usage{Files: l.Files, Bytes: l.Bytes, LastUsedAt: l.LastUsedAt.UTC()}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("stats: count links in postgres: %w", err)
	}

	return used, nil
}

func (s *Service) linksRedis(ctx context.Context, ids []link.ID) (map[link.ID]link.Usage, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}

	wait, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	var epoch *redis.StringCmd
	var files, bytes, last *redis.SliceCmd
	_, err := s.rdb.TxPipelined(wait, func(p redis.Pipeliner) error {
		epoch = p.HGet(wait, keyPrefix+"state", "epoch")
		files = p.HMGet(wait, keyPrefix+"links:files", names...)
		bytes = p.HMGet(wait, keyPrefix+"links:bytes", names...)
		last = p.HMGet(wait, keyPrefix+"links:last", names...)
		return nil
	})
	if err == nil && !s.trusts(ctx, epoch.Val()) {
		err = errStale
	}
	if err != nil {
		return nil, err
	}

	used := map[link.ID]link.Usage{}
	for i, id := range ids {
		if files.Val()[i] != nil {
			used[id] = link.Usage{
				Files: number(files.Val()[i]), Bytes: number(bytes.Val()[i]),
				LastUsedAt: time.UnixMicro(number(last.Val()[i])).UTC(),
			}
		}
	}

	return used, nil
}
