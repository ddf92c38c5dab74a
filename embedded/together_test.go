package embedded

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"inlet/embedded/ramdir"
)

// Services that start at the same moment never get each other's stores: nothing
// is chosen that another one could choose too.
func TestStartedTogether(t *testing.T) {
	t.Parallel()
	const services = 3
	dirs := make([]*Dir, services)
	for i := range dirs {
		dirs[i] = open(t, ramdir.Temp(t))
	}
	postgres, caches := make([]*Postgres, services), make([]*Redis, services)
	errs := make([]error, 2*services)
	var all sync.WaitGroup
	for i, d := range dirs {
		all.Go(func() { postgres[i], errs[i] = d.StartPostgres(t.Context(), quiet()) })
		all.Go(func() { caches[i], errs[services+i] = d.StartRedis(t.Context(), quiet()) })
	}
	all.Wait()
	for i := range dirs {
		if p := postgres[i]; p != nil {
			t.Cleanup(func() { p.Stop(context.Background()) })
		}
		if r := caches[i]; r != nil {
			t.Cleanup(r.Stop)
		}
	}
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range dirs {
		exe(t, postgres[i].URL(), fmt.Sprintf("CREATE TABLE mine AS SELECT %d AS who", i))
		if err := redisClient(t, caches[i].URL()).Set(t.Context(), "mine", i, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range dirs {
		if got := query(t, postgres[i].URL(), "SELECT string_agg(who::text, ' ') FROM mine"); got != fmt.Sprint(i) {
			t.Errorf("database %d has what %s wrote", i, got)
		}
		if got := redisClient(t, caches[i].URL()).Get(t.Context(), "mine").Val(); got != fmt.Sprint(i) {
			t.Errorf("Redis %d has what %s wrote", i, got)
		}
	}
}
