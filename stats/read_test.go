package stats

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"inlet/embedded/redistest"
	"inlet/link"
)

// The document of a service that has seen nothing, as JSON, from both stores.
func TestReadNothing(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		for _, source := range []string{"Postgres", "Redis"} {
			doc, err := s.Read(t.Context())
			w.must(err)
			got, err := json.Marshal(doc)
			w.must(err)
			day := func(date string) string {
				return `{"date":"` + date + `","accepted":0,"stored":0,"duplicates":0,"bytes":0,"uploaders":0}`
			}
			begin := `{"as_of":"2026-10-25T13:00:00Z","most_popular_format":null,"formats":[],"cameras":[],"images":{"stored":0,"bytes":0},` +
				`"uploads":{"accepted":0,"stored":0,"duplicates":0,"rejected":0},"uploads_per_day":[` + day("2026-09-26") + ","
			text := string(got)
			before, rest, _ := strings.Cut(text, `"recent":{`)
			_, after, _ := strings.Cut(rest, `"links":{"minutes":[],"hours":[]}},`)
			if text = before + after; !strings.HasPrefix(text, begin) || !strings.HasSuffix(text, day("2026-10-25")+"]}") {
				t.Errorf("from %s: %s", source, got)
			}
			if len(doc.UploadsPerDay) != 30 {
				t.Errorf("%d days", len(doc.UploadsPerDay))
			}
			w.drained(s) // Redis has counters from here on
		}
	})
}

func TestRead(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		now := w.clock.Now()
		yesterday := now.AddDate(0, 0, -1)
		first := w.store(file{format: "png", bytes: 10, client: 1})
		w.store(file{format: "jpeg", bytes: 20, client: 2})
		w.store(file{format: "webp", bytes: 30, client: 1, at: yesterday})
		w.store(file{format: "webp", bytes: 40, client: 3, at: now.AddDate(0, 0, -29)})
		w.store(file{format: "png", bytes: 50, client: 3, at: now.AddDate(0, 0, -30)}) // no longer shown
		w.duplicate(first, file{bytes: 7, client: 2, at: yesterday})
		w.refuse(3)
		w.drained(s)

		doc, err := w.inRedis(s)
		w.must(err)
		if want := []FormatCount{{"png", 2}, {"webp", 2}, {"jpeg", 1}}; !reflect.DeepEqual(doc.Formats, want) {
			t.Errorf("formats %v", doc.Formats)
		}
		if *doc.MostPopularFormat != "png" || doc.Images != (ImageTotals{5, 150}) || doc.Uploads != (UploadTotals{6, 5, 1, 3}) {
			t.Errorf("%s, %+v, %+v", *doc.MostPopularFormat, doc.Images, doc.Uploads)
		}
		days := map[int]DayCount{
			0:  {"2026-09-26", 1, 1, 0, 40, 1},
			28: {"2026-10-24", 2, 1, 1, 37, 2},
			29: {"2026-10-25", 2, 2, 0, 30, 2},
		}
		for i, day := range doc.UploadsPerDay {
			want, some := days[i]
			if !some {
				want = DayCount{Date: day.Date}
			}
			if day != want {
				t.Errorf("day %d: %+v, want %+v", i, day, want)
			}
		}
		w.mustEqualSQL(s)

		// The day ends: nothing is counted, and yet the document changes.
		w.clock.set(now.Add(11 * time.Hour))
		doc, err = w.inRedis(s)
		w.must(err)
		if last := doc.UploadsPerDay[29]; last != (DayCount{Date: "2026-10-26"}) || doc.UploadsPerDay[27] != days[28] {
			t.Errorf("after midnight: %+v", doc.UploadsPerDay[27:])
		}
		w.store(file{bytes: 5})
		w.drained(s)
		w.mustEqualSQL(s)
	})
}

// Cameras are grouped without regard to case and shown as most spell them; ten
// are shown, ties by name.
func TestCameras(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		store := func(n int, camera string) {
			for range n {
				w.store(file{camera: camera})
			}
		}
		store(1, "canon eos 40d")
		store(2, "Canon EOS 40D")
		shown := func() (names []string) {
			w.drained(s)
			w.mustEqualSQL(s)
			doc, err := w.inRedis(s)
			w.must(err)
			for _, c := range doc.Cameras {
				names = append(names, fmt.Sprint(c.Model, " ", c.Images))
			}
			return names
		}
		if got := shown(); !reflect.DeepEqual(got, []string{"Canon EOS 40D 3"}) {
			t.Errorf("%v", got)
		}
		store(1, "CANON EOS 40D")
		store(1, "CANON EOS 40D")
		if got := shown(); !reflect.DeepEqual(got, []string{"CANON EOS 40D 5"}) { // equally often: by name
			t.Errorf("%v", got)
		}
		store(2, "canon eos 40d")
		want := []string{"canon eos 40d 7"}
		for i := range 11 {
			name := fmt.Sprintf("%c \"quoted/\" Ä <&>", 'z'-rune(i))
			store(1, name)
			if i > 1 {
				want = append([]string{want[0], name + " 1"}, want[1:]...)
			}
		}
		if got := shown(); !reflect.DeepEqual(got, want) {
			t.Errorf("%v\nwant %v", got, want)
		}
		w.must(s.Rebuild(t.Context()))
		if got := shown(); !reflect.DeepEqual(got, want) {
			t.Errorf("rebuilt: %v\nwant %v", got, want)
		}
	})
}

// Another replica has built the counters anew: they are trusted after a look
// at Postgres.
func TestReadAfterRebuildElsewhere(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		w.must(w.service().Rebuild(t.Context()))
		w.mustEqualSQL(s)
		if known := *s.epoch.Load(); known != w.currentEpoch() {
			t.Error("the new epoch is not remembered")
		}
	})
}

// A day that is not kept leaves no key behind.
func TestOldDays(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		w.store(file{at: w.clock.Now().AddDate(0, 0, -keptDays+1)})
		w.store(file{at: w.clock.Now().AddDate(0, 0, -keptDays)})
		w.drained(s)
		for range 2 {
			days := s.rdb.Keys(t.Context(), keyPrefix+"day:*").Val()
			if !reflect.DeepEqual(days, []string{keyPrefix + "day:2026-09-16"}) {
				t.Errorf("days are kept: %v", days)
			}
			w.must(s.Rebuild(t.Context()))
		}
	})
}

func TestLinks(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		now := w.clock.Now()
		id := w.store(file{link: "L1", bytes: 5, at: now.Add(123456 * time.Microsecond)})
		w.drained(s) // what is applied later may be older
		w.duplicate(id, file{link: "L1", bytes: 6, at: now.Add(-time.Hour)})
		w.duplicate(id, file{link: "L2", bytes: 7, at: now.Add(-time.Hour)})
		w.store(file{link: "L3"})
		w.drained(s)
		want := map[link.ID]link.Usage{
			"L1": {Files: 2, Bytes: 11, LastUsedAt: now.Add(123456 * time.Microsecond)},
			"L2": {Files: 1, Bytes: 7, LastUsedAt: now.Add(-time.Hour)},
		}
		check := func(when string) {
			t.Helper()
			got, err := s.Links(t.Context(), []link.ID{"L1", "unused", "L2"})
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, %v", when, got, err)
			}
		}
		check("counted")
		w.must(s.Rebuild(t.Context()))
		check("rebuilt")
		w.must(s.rdb.FlushAll(t.Context()).Err())
		check("from Postgres")
		w.drained(s)

		w.erase(id)
		w.drained(s)
		want = map[link.ID]link.Usage{}
		check("deleted")
		if got, err := s.Links(t.Context(), nil); err != nil || len(got) != 0 {
			t.Errorf("no links: %v, %v", got, err)
		}
	})
}

// The metrics say what waits.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	registry := newRegistry()
	s := New(Options{Pool: w.pool, Truth: tables{}, Redis: w.service().rdb, Registerer: registry})
	if lag, err := s.Lag(t.Context()); lag != 0 || err != nil {
		t.Errorf("lag %v, %v", lag, err)
	}
	w.store(file{})
	_, err := w.pool.Exec(t.Context(), `UPDATE outbox SET created_at = clock_timestamp() - interval '1 hour'`)
	w.must(err)
	w.store(file{})
	s.measure(t.Context())
	if lag, err := s.Lag(t.Context()); lag < time.Hour || lag > 2*time.Hour || err != nil {
		t.Errorf("lag %v, %v", lag, err)
	}
	if m := registry.values(t); m["inlet_stats_relay_lag_seconds"] < 3600 || m["inlet_stats_outbox_rows"] != 2 {
		t.Errorf("%v", m)
	}
	w.drained(s) // builds
	w.store(file{})
	w.drained(s) // applies
	s.measure(t.Context())
	want := map[string]float64{
		"inlet_stats_relay_lag_seconds": 0, "inlet_stats_outbox_rows": 0,
		"inlet_stats_events_applied_total": 1, "inlet_stats_rebuilds_total": 1,
	}
	if m := registry.values(t); !reflect.DeepEqual(m, want) {
		t.Errorf("%v", m)
	}
}
