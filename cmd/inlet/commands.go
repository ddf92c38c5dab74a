package main

import (
	"context"
	"fmt"
	"os"

	"inlet/catalog"
	"inlet/db"
	"inlet/db/redisdb"
	"inlet/stats"
)

// migrate brings the schema up to date.
func migrate(ctx context.Context, cfg config) error {
	st, err := reachStores(ctx, cfg, newLog(cfg))
	if err != nil {
		return err
	}
	defer st.close()

	if err := db.Migrate(ctx, st.DatabaseURL, cfg.database(), partitions); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "the schema is up to date")
	return nil
}

// rebuildStats counts everything again. The service may be running meanwhile.
func rebuildStats(ctx context.Context, cfg config) error {
	log := newLog(cfg)
	st, err := reachStores(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer st.close()
	pool, err := db.Open(ctx, st.DatabaseURL, cfg.database())
	if err != nil {
		return err
	}
	defer pool.Close()
	rdb, err := redisdb.Open(st.RedisURL, redisdb.Options{})
	if err != nil {
		return err
	}
	defer rdb.Close()

	counters := stats.New(stats.Options{Pool: pool, Redis: rdb, Truth: catalog.Counts{}, Log: log})
	if err := counters.Rebuild(ctx); err != nil {
		return err
	}
	doc, err := counters.Read(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "rebuilt: %d images, %d accepted files\n", doc.Images.Stored, doc.Uploads.Accepted)
	return nil
}
