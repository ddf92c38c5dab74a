package learn

import (
	"runtime"
	"sync"
)

// parallel calls f for 0 to n-1 from as many goroutines as there are processors.
// What f(i) writes must not depend on the others, so that results do not depend on
// the number of processors.
func parallel(n int, f func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}

	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)

	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	wg.Wait()
}

// chunks is the number of pieces of the given size in n.
func chunks(n, size int) int { return (n + size - 1) / size }
