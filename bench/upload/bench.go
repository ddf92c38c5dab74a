package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"inlet/bench/photo"
	"inlet/bench/service"
	"inlet/embedded/pgserver"
)

// bench runs all rounds.
type bench struct {
	options
	dir       string
	scenarios []scenario
	postgres  *pgserver.Server
	warm      []picture
	results   map[string]*result // by the scenario's name
}

// result collects the outcomes of one scenario, one a round.
type result struct {
	floor, inlet []outcome
	steps        steps // Inlet's, summed over the rounds
}

// round runs every scenario on two new servers. An old Inlet would take the
// pictures for duplicates of the round before.
func (b *bench) round(ctx context.Context, round int) error {
	floor, inlet, err := b.servers(ctx, round)
	if err != nil {
		return err
	}
	defer floor.Stop()
	defer inlet.Stop()
	if err := b.warmUp(ctx, floor, inlet); err != nil {
		return err
	}

	for _, sc := range b.scenarios {
		fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, b.rounds, sc.name)
		order := []*server{floor, inlet}
		if round%2 == 1 { // neither server always goes first
			order = []*server{inlet, floor}
		}

		for _, s := range order {
			if err := b.measure(ctx, s, sc); err != nil {
				return fmt.Errorf("%s, %s: %w\n%s", sc.name, s.name, err, s.Complaints())
			}
		}
	}

	// The files stay until the end: ext4 creates files slowly for some minutes
	// after many were removed.
	return nil
}

func (b *bench) servers(ctx context.Context, round int) (floor, inlet *server, err error) {
	dir := filepath.Join(b.dir, fmt.Sprint(round))
	databases := [2]string{fmt.Sprint("floor", round), fmt.Sprint("inlet", round)}
	for _, name := range databases {
		if err := b.postgres.CreateDatabase(ctx, name); err != nil {
			return nil, nil, err
		}
	}

	floor, err = startFloor(ctx, filepath.Join(b.dir, "floor"), filepath.Join(dir, "floor"), b.postgres.URL(databases[0]), b.options)
	if err != nil {
		return nil, nil, err
	}

	inlet, err = startInlet(ctx, filepath.Join(b.dir, "inlet"), filepath.Join(dir, "inlet"), b.postgres.URL(databases[1]), b.options)
	if err != nil {
		floor.Stop()
	}

	return floor, inlet, err
}

// warmUp opens connections and prepares statements, as a server does once.
func (b *bench) warmUp(ctx context.Context, servers ...*server) (err error) {
	if b.warm == nil {
		if b.warm, err = newPictures(photo.Small(), 16*b.clients, 5); err != nil {
			return err
		}
	}

	for _, s := range servers {
		if _, err := newClient(s, b.clients).sendAll(ctx, b.warm, false); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
	}

	return nil
}

// measure runs one scenario on one server and records the outcome.
func (b *bench) measure(ctx context.Context, s *server, sc scenario) error {
	c := newClient(s, b.clients)
	defer c.CloseIdleConnections()
	if s.check != "" { // the floor has no duplicates
		if _, err := c.sendAll(ctx, sc.known, true); err != nil {
			return err
		}
	}

	var before steps
	if s.name == "inlet" {
		var err error
		if before, err = c.steps(ctx); err != nil {
			return err
		}
		if b.profile != "" {
			defer profiling(s)()
		}
	}

	o, err := b.watch(s, func() (outcome, error) { return c.sendAll(ctx, sc.pictures, sc.check) })
	if err != nil {
		return err
	}

	r := b.results[sc.name]
	if r == nil {
		r = &result{steps: steps{}}
		b.results[sc.name] = r
	}

	if s.name == "floor" {
		r.floor = append(r.floor, o)
		return nil
	}

	r.inlet = append(r.inlet, o)
	after, err := c.steps(ctx)
	r.steps.add(after, before)

	return err
}

// watch measures the processor time that servers, database and machine use while
// fn runs.
func (b *bench) watch(s *server, fn func() (outcome, error)) (outcome, error) {
	ours := func() (server, database, client service.CPU) {
		return service.CPUOf(s.Pid()), service.CPUOf(b.postgres.Pid()), service.CPUOf(os.Getpid())
	}

	server, database, client := ours()
	used, all := service.Busy()
	o, err := fn()
	usedNow, allNow := service.Busy()
	serverNow, databaseNow, clientNow := ours()

	o.server = serverNow.Since(server)
	db := databaseNow.Since(database)
	o.database = db.Own + db.Children
	if allNow > all {
		known := o.server.Own + o.server.Children + o.database + clientNow.Own - client.Own
		o.idle = 1 - (usedNow-used).Seconds()/(allNow-all).Seconds()
		o.others = max((usedNow-used-known).Seconds()/(allNow-all).Seconds(), 0)
	}

	return o, err
}
