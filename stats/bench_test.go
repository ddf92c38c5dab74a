package stats

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"inlet/embedded/redistest"
)

func benchWorld(b *testing.B) (*world, *Service) {
	w := newWorld(b, redistest.URL(b))
	s := w.service()
	w.drained(s)
	return w, s
}

// A drain from the outbox to Redis and back, for each event.
func BenchmarkDrain(b *testing.B) {
	for _, size := range []int{1, 50, batchRows} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w, s := benchWorld(b)
			f := file{camera: "Canon EOS 40D"}
			f.complete(w)
			d := f.event(1, 0)
			d.Images, d.Bytes, d.Formats, d.Cameras = 1, 1000, map[string]int64{"jpeg": 1}, map[string]int64{f.camera: 1}
			d.Recent[0].Formats = d.Formats
			ctx := context.Background()
			for done := 0; done < b.N; {
				b.StopTimer()
				n := min(size, b.N-done)
				var batch pgx.Batch
				for range n {
					Queue(&batch, d)
				}
				w.must(w.commit(&batch))
				b.StartTimer()
				got, err := s.drain(ctx)
				w.must(err)
				done += got
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	w, s := benchWorld(b)
	for i := range 200 {
		w.store(file{
			format: []string{"jpeg", "png", "heic"}[i%3], camera: fmt.Sprint("Camera ", i%20),
			client: byte(i), at: w.clock.Now().AddDate(0, 0, -i%30),
		})
	}
	w.drained(s)
	ctx := context.Background()
	b.Run("redis", func(b *testing.B) {
		for b.Loop() {
			_, _, err := s.readRedis(ctx, s.now())
			w.must(err)
		}
	})
	b.Run("postgres", func(b *testing.B) {
		for b.Loop() {
			_, _, err := s.readPostgres(ctx, s.now())
			w.must(err)
		}
	})
}
