package stats

import (
	"math/rand/v2"
	"sync"
	"testing"

	"inlet/embedded/redistest"
)

// TestCluster counts in a Redis Cluster whose master for the counters dies in the
// middle. Its replica may lack the last events, which sequence numbers tell.
func TestCluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	w := newWorld(t, cluster.URL)
	one, two := w.running(), w.running()
	var writers sync.WaitGroup
	writers.Go(func() { w.write(rand.New(rand.NewPCG(2, 1)), 200, one.Wake) })
	writers.Go(func() { w.write(rand.New(rand.NewPCG(2, 2)), 200, two.Wake) })
	cluster.KillMaster(keyPrefix + "state")
	writers.Wait()
	w.write(rand.New(rand.NewPCG(2, 3)), 50, one.Wake)
	for _, s := range []*Service{one, two} {
		w.eventually(func() string { return w.difference(s, false) })
	}
	w.must(one.Rebuild(t.Context()))
	w.mustEqualSQL(two)
}
