package stats

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/embedded/redistest"
	"inlet/link"
)

// filled lists the spans that count something.
func filled(spans []SpanCount) (some []SpanCount) {
	for _, span := range spans {
		if !reflect.DeepEqual(span, SpanCount{At: span.At}) {
			some = append(some, span)
		}
	}
	return some
}

// checkSpans makes sure that spans follow each other, and the last one is that of now.
func checkSpans(t *testing.T, spans []SpanCount, n int, length time.Duration, now time.Time) {
	t.Helper()
	if len(spans) != n {
		t.Fatalf("%d spans, want %d", len(spans), n)
	}
	for i, span := range spans {
		if want := now.Truncate(length).Add(-time.Duration(n-1-i) * length); !span.At.Equal(want) || span.At.Location() != time.UTC {
			t.Fatalf("span %d is %v, want %v", i, span.At, want)
		}
	}
}

func TestRecent(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		now := time.Date(2026, 10, 25, 13, 7, 31, 0, time.UTC)
		w.clock.set(now)
		minute := func(n int) time.Time { return now.Truncate(time.Minute).Add(time.Duration(n) * time.Minute) }
		hour := func(n int) time.Time { return now.Truncate(time.Hour).Add(time.Duration(n) * time.Hour) }

		first := w.store(file{flags: []string{"dark", "small"}})
		w.store(file{format: "png", flags: []string{"dark"}, at: minute(0)})
		w.duplicate(first, file{at: minute(-1).Add(59 * time.Second)})
		w.refuse(2)
		w.store(file{at: minute(-119)})
		w.store(file{at: minute(-120)}) // no minute of the document
		w.store(file{format: "gif", at: hour(-167)})
		w.store(file{at: hour(-167).Add(-time.Second)}) // no hour of it
		w.store(file{at: hour(-170)})                   // no hour that Redis has
		w.refuseAt(minute(-119), 1)
		w.drained(s)
		w.mustEqualSQL(s)

		doc, err := w.inRedis(s)
		w.must(err)
		checkSpans(t, doc.Recent.Minutes, 120, time.Minute, now)
		checkSpans(t, doc.Recent.Hours, 168, time.Hour, now)
		jpeg := map[string]int64{"jpeg": 1}
		want := []SpanCount{
			{At: minute(-119), Accepted: 1, Stored: 1, Rejected: 1, Formats: jpeg},
			{At: minute(-1), Accepted: 1, Duplicates: 1},
			{
				At: minute(0), Accepted: 2, Stored: 2, Rejected: 2,
				Formats: map[string]int64{"jpeg": 1, "png": 1}, Flags: map[string]int64{"dark": 2, "small": 1},
			},
		}
		if got := filled(doc.Recent.Minutes); !reflect.DeepEqual(got, want) {
			t.Errorf("minutes %+v\nwant %+v", got, want)
		}
		want = []SpanCount{
			{At: hour(-167), Accepted: 1, Stored: 1, Formats: map[string]int64{"gif": 1}},
			{At: hour(-2), Accepted: 2, Stored: 2, Rejected: 1, Formats: map[string]int64{"jpeg": 2}}, // at 11:08 and 11:07
			{
				At: hour(0), Accepted: 3, Stored: 2, Duplicates: 1, Rejected: 2,
				Formats: map[string]int64{"jpeg": 1, "png": 1}, Flags: map[string]int64{"dark": 2, "small": 1},
			},
		}
		if got := filled(doc.Recent.Hours); !reflect.DeepEqual(got, want) {
			t.Errorf("hours %+v\nwant %+v", got, want)
		}

		w.must(s.Rebuild(t.Context()))
		w.mustEqualSQL(s)
		w.erase(first)
		w.drained(s)
		if diff := w.difference(s, false); diff != "" {
			t.Fatal(diff)
		}
		doc, err = w.inRedis(s)
		w.must(err)
		want = []SpanCount{{
			At: minute(0), Accepted: 1, Stored: 1, Rejected: 2, Formats: map[string]int64{"png": 1}, Flags: map[string]int64{"dark": 1},
		}}
		if got := filled(doc.Recent.Minutes[1:]); !reflect.DeepEqual(got, want) {
			t.Errorf("after a deletion: %+v", got)
		}
	})
}

// The busiest links of the shown minutes and hours, while time goes on.
func TestRecentLinks(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		begin := w.clock.Now()
		check := func(when string, minutes, hours []LinkCount) {
			t.Helper()
			w.drained(s)
			if diff := w.difference(s, false); diff != "" {
				t.Fatal(diff)
			}
			doc, err := w.inRedis(s)
			w.must(err)
			if got := doc.Recent.Links; !reflect.DeepEqual(got, RecentLinks{minutes, hours}) {
				t.Errorf("%s: %v, want %v and %v", when, got, minutes, hours)
			}
		}
		none := []LinkCount{}
		check("at first", none, none)

		id := w.store(file{link: "L2"})
		for i := range 11 {
			w.duplicate(id, file{link: link.ID(fmt.Sprintf("M%02d", i)), at: begin.Add(-time.Minute)})
		}
		w.duplicate(id, file{link: "L1", at: begin.Add(-time.Minute)})
		w.duplicate(id, file{link: "L1", at: begin.Add(-3 * time.Hour)}) // counts in its hour alone
		w.duplicate(id, file{link: "L1", at: begin.Add(-3 * time.Hour)})
		ten := []LinkCount{{"L1", 1}, {"L2", 1}}
		for i := range 8 {
			ten = append(ten, LinkCount{link.ID(fmt.Sprintf("M%02d", i)), 1})
		}
		check("ties go by id", ten, append([]LinkCount{{"L1", 3}}, ten[1:]...))

		w.clock.set(begin.Add(119 * time.Minute)) // the minute before begin is no longer shown
		check("a minute later", []LinkCount{{"L2", 1}}, append([]LinkCount{{"L1", 3}}, ten[1:]...))
		w.duplicate(id, file{link: "L3"})
		w.duplicate(id, file{link: "L4", at: begin.Add(-time.Minute)}) // late, no longer shown
		check("an event comes late", []LinkCount{{"L2", 1}, {"L3", 1}}, append([]LinkCount{{"L1", 3}, {"L2", 1}, {"L3", 1}, {"L4", 1}}, ten[2:8]...))

		w.clock.set(begin.Add(167 * time.Hour)) // long without any event
		check("after a week", none, []LinkCount{{"L2", 1}, {"L3", 1}})
		w.clock.set(begin.Add(168 * time.Hour))
		check("after an hour more", none, []LinkCount{{"L3", 1}})
		w.erase(id)
		check("deleted", none, none)
	})
}

// Redis forgets minutes and hours by itself, each in its time, whatever happens last;
// what is older leaves no key.
func TestRecentExpires(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		now := w.clock.Now()
		lives := map[string]time.Duration{
			minutes().key(minutes().number(now)): 130 * time.Minute,
			hours().key(hours().number(now)):     170 * time.Hour,
		}
		w.store(file{})
		for _, u := range []unit{minutes(), hours()} {
			oldest := u.first(now, u.kept)
			w.store(file{at: u.begin(oldest)})
			w.store(file{at: u.begin(oldest - 1)})
			lives[u.key(oldest)] = u.length
		}
		// Both are in one hour.
		lives[hours().key(hours().number(now.Add(-130*time.Minute)))] = 167 * time.Hour

		w.drained(s)
		for _, after := range []string{"applying", "a rebuild"} {
			got := map[string]time.Duration{}
			for _, key := range s.rdb.Keys(t.Context(), keyPrefix+"*").Val() {
				name := strings.TrimPrefix(key, keyPrefix)
				if counts, links := strings.CutSuffix(name, ":links"); links {
					name = counts
				}
				if strings.HasPrefix(name, "minute:") || strings.HasPrefix(name, "hour:") {
					got[name] = s.rdb.TTL(t.Context(), key).Val().Round(time.Minute)
				}
			}
			if !reflect.DeepEqual(got, lives) {
				t.Errorf("after %s: %v, want %v", after, got, lives)
			}
			w.must(s.Rebuild(t.Context()))
		}
	})
}

// An event that waited long in the outbox counts in its own minute.
func TestRecentAppliedLate(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		epoch, at := w.currentEpoch(), w.clock.Now()
		w.store(file{flags: []string{"blurry"}})
		w.refuse(1)
		w.clock.set(at.Add(45 * time.Minute))
		w.drained(s)
		w.mustEqualSQL(s)
		doc, err := w.inRedis(s)
		w.must(err)
		if some := filled(doc.Recent.Minutes); len(some) != 1 || !some[0].At.Equal(at) || some[0].Stored != 1 || some[0].Rejected != 1 {
			t.Errorf("minutes %+v", some)
		}
		if got := w.currentEpoch(); got != epoch {
			t.Error("the counters were built anew")
		}
	})
}

// A flag that a picture gets later counts in the minute of its upload.
func TestFlagged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	s := w.service()
	at := w.clock.Now()
	id := w.store(file{})
	w.drained(s)
	w.clock.set(at.Add(10 * time.Minute))
	var b pgx.Batch
	b.Queue(`UPDATE images SET flags = array_append(flags, 'undecodable') WHERE id = $1`, id)
	Queue(&b, Flagged(at, map[string]int64{"undecodable": 1}))
	w.must(w.commit(&b))
	w.drained(s)
	w.mustEqualSQL(s)
	doc, err := w.inRedis(s)
	w.must(err)
	if got := doc.Recent.Minutes[109].Flags; !reflect.DeepEqual(got, map[string]int64{"undecodable": 1}) {
		t.Errorf("flags %v", got)
	}
}

// queueOld writes an event as earlier releases did.
func (w *world) queueOld(event string) {
	w.Helper()
	_, err := w.pool.Exec(context.Background(), `INSERT INTO outbox (event) VALUES ($1::jsonb)`, event)
	w.must(err)
}

// While replicas of an earlier release run, their events lack minutes, and their drains
// leave them out. The counters are built anew for it, once a minute at most.
func TestEarlierRelease(t *testing.T) {
	t.Parallel()
	const refusal = `INSERT INTO rejections VALUES ($1, 'undecodable', 1)`
	tests := map[string]func(w *world, s *Service){
		"wrote an event": func(w *world, _ *Service) {
			_, err := w.pool.Exec(context.Background(), refusal, w.clock.Now())
			w.must(err)
			w.queueOld(`{"rejected": 1}`)
		},
		"applied an event": func(w *world, s *Service) {
			ctx := context.Background()
			_, err := w.pool.Exec(ctx, refusal, w.clock.Now())
			w.must(err)
			w.must(s.rdb.HIncrBy(ctx, keyPrefix+"state", "seq", 1).Err())
			w.must(s.rdb.HIncrBy(ctx, keyPrefix+"totals", "rejected", 1).Err())
			_, err = w.pool.Exec(ctx, `UPDATE stats_state SET seq = seq + 1`)
			w.must(err)
		},
		"built the counters": func(w *world, s *Service) {
			ctx := context.Background()
			w.must(s.rdb.HDel(ctx, keyPrefix+"state", "recent", "minute", "hour").Err())
			for _, unit := range []string{"minute", "hour"} {
				keys := s.rdb.Keys(ctx, keyPrefix+unit+":*").Val()
				w.must(s.rdb.Del(ctx, append(keys, keyPrefix+"links:"+unit)...).Err())
			}
		},
	}
	for name, old := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, redistest.URL(t))
			s := w.service()
			w.store(file{})
			w.drained(s)
			epoch := w.currentEpoch()
			old(w, s)

			w.drained(s)
			if got := w.currentEpoch(); got != epoch {
				t.Error("built anew within a minute")
			}
			doc, err := w.inRedis(s)
			w.must(err)
			if want := w.inPostgres(s); reflect.DeepEqual(doc.Recent, want.Recent) || doc.Uploads != want.Uploads {
				t.Errorf("%+v, want the same files and other minutes than %+v", doc, want)
			}

			w.clock.set(w.clock.Now().Add(completing))
			w.drained(s)
			w.mustEqualSQL(s)
			if w.currentEpoch() == epoch {
				t.Error("not built anew")
			}
			w.drained(w.service()) // another replica is content with it
			if n := s.rdb.HGet(t.Context(), keyPrefix+"state", "recent").Val(); n != "0" {
				t.Errorf("built twice, or recent is %s", n)
			}
		})
	}
}

// A rebuild writes minutes and hours in parts, and takes over those of a clock that is
// ahead.
func TestRebuildOfManyMinutes(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		var b pgx.Batch
		for i := range 2*partSize + 7 {
			id := uuid.New()
			at := w.clock.Now().Add(time.Minute - time.Duration(i*7)*time.Minute)
			b.Queue(insertImage, id, append(id[:], id[:]...), "webp", int64(i), at, "", []string{})
			b.Queue(insertUpload, at, id, fmt.Sprintf("link %d", i%50), "stored", int64(i), []byte{1})
		}
		w.must(w.commit(&b))
		w.must(s.Rebuild(t.Context()))
		w.mustEqualSQL(s)
		w.clock.set(w.clock.Now().Add(time.Minute))
		w.mustEqualSQL(s)
	})
}

// commands is how many commands Redis has executed, those of scripts included.
func (w *world) commands(s *Service) (n int64) {
	w.Helper()
	info, err := s.rdb.Info(context.Background(), "commandstats").Result()
	if err != nil || !strings.Contains(info, "cmdstat_hget:") {
		w.Skip("this Redis does not count its commands")
	}
	for _, found := range regexp.MustCompile(`calls=(\d+)`).FindAllStringSubmatch(info, -1) {
		calls, err := strconv.ParseInt(found[1], 10, 64)
		w.must(err)
		n += calls
	}
	return n
}

// Minutes and hours must not double the commands of a single event.
func TestRecentCommands(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		f := file{camera: "Canon EOS 40D"}
		f.complete(w)
		d := f.event(1, 0)
		d.Images, d.Bytes, d.Formats, d.Cameras = 1, 1000, map[string]int64{"jpeg": 1}, map[string]int64{f.camera: 1}
		d.Recent[0].Formats, d.Recent[0].Flags = d.Formats, map[string]int64{"dark": 1, "small": 1}
		without := d
		without.Recent = nil

		var cost []int64
		for i, event := range []Delta{d, d, without} { // the first one slides the windows
			before := w.commands(s)
			w.must(s.apply(t.Context(), w.currentEpoch(), []row{{int64(1000 + i), event}}))
			cost = append(cost, w.commands(s)-before)
		}
		t.Logf("%d commands, without minutes and hours %d", cost[1], cost[2])
		if cost[1] >= 2*cost[2] {
			t.Errorf("%d commands instead of %d", cost[1], cost[2])
		}
	})
}
