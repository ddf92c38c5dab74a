package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	url, token, link, replicas string
	database, pids             string

	users, links    int
	duration, think time.Duration
	rate            float64
	patience        time.Duration
	reconnect       bool

	sizes                               mix
	dir                                 string
	repeats, recoded, slow, disconnects share
	slowRate                            byteSize
	form, verify, json                  bool
	seed                                uint64
}

func (o *options) register(f *flag.FlagSet) {
	f.StringVar(&o.url, "url", "", "the service; without -url and -link the command starts a private one of this tree")
	f.StringVar(&o.token, "token", "", "the operator's token, for links and statistics")
	f.StringVar(&o.link, "link", "", "send through this link instead of new ones")
	f.StringVar(&o.replicas, "replicas", "", "comma-separated origins that get requests in turns, in place of a load balancer")
	f.StringVar(&o.database, "database", "", "the service's Postgres, to compare the statistics with a count in SQL")
	f.StringVar(&o.pids, "pids", "", "comma-separated processes; the report has their processor time and memory")
	f.IntVar(&o.users, "users", 1000, "users at once")
	f.IntVar(&o.links, "links", 1, "links that the users share")
	f.DurationVar(&o.duration, "duration", time.Minute, "how long users begin new files; they finish those under way")
	f.DurationVar(&o.think, "think", time.Second, "closed loop: average pause of a user between two files, exponentially distributed")
	f.Float64Var(&o.rate, "rate", 0, "open loop: files a second that all users together begin, however slow the answers are; latency counts from the planned beginning")
	f.DurationVar(&o.patience, "patience", 5*time.Minute, "how long a user retries a file; on a slow network one attempt at a large file takes more than a minute")
	f.BoolVar(&o.reconnect, "reconnect", false, "retry after a broken connection, 502 or 504, for a service whose replicas come and go; otherwise they are errors")
	o.sizes = mix{{40e3, 70}, {300e3, 25}, {3e6, 5}}
	f.TextVar(&o.sizes, "sizes", o.sizes, "sizes of the generated pictures, with their weights")
	f.StringVar(&o.dir, "dir", "", "send the pictures below this folder, over and over, in place of generated ones")
	f.TextVar(&o.repeats, "repeats", share(0.1), "share of files that repeat an earlier one")
	f.TextVar(&o.recoded, "recoded", share(0), "share of files that are copies of an earlier one in a lower quality")
	f.TextVar(&o.slow, "slow", share(0.05), "share of users on a slow network")
	f.TextVar(&o.slowRate, "slow-rate", byteSize(50e3), "bytes a second of a slow network")
	f.TextVar(&o.disconnects, "disconnects", share(0.01), "share of files that a disconnect interrupts first, mostly in the middle")
	f.BoolVar(&o.form, "form", true, "send forms; otherwise raw bodies")
	f.BoolVar(&o.verify, "verify", true, "afterwards fetch every file and compare the statistics; the service must have no other users meanwhile")
	f.BoolVar(&o.json, "json", false, "report as JSON")
	f.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "the same pictures and choices for the same seed")
}

func (o *options) validate() error {
	switch {
	case o.users < 1 || o.links < 1:
		return errors.New("-users and -links are at least 1")
	case o.rate < 0 || o.think < 0 || o.duration <= 0 || o.patience <= 0:
		return errors.New("-rate, -think, -duration and -patience are not negative")
	case o.repeats+o.recoded > 1:
		return errors.New("-repeats and -recoded are more than everything")
	case o.dir != "" && o.recoded > 0:
		return errors.New("-recoded needs generated pictures")
	case o.slowRate < 1000:
		return errors.New("-slow-rate is at least 1KB")
	}

	return nil
}

// share is a fraction, from 0 to 1.
type share float64

// UnmarshalText reads "5%" or "0.05".
func (s *share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}

	if err != nil || !(v >= 0 && v <= 1) {
		return errors.New("want a share such as 5% or 0.05")
	}

	*s = share(v)

	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (s share) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%g%%", 100*float64(s)), nil }

func (s share) hit(rnd *rand.Rand) bool { return rnd.Float64() < float64(s) }

// byteSize is a number of bytes.
type byteSize int

// UnmarshalText reads "40KB", "3MB" or "1500".
func (b *byteSize) UnmarshalText(text []byte) error {
	number, unit := string(text), 1.0
	for suffix, factor := range map[string]float64{"KB": 1e3, "MB": 1e6} {
		if n, found := strings.CutSuffix(number, suffix); found {
			number, unit = n, factor
		}
	}

	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v > 0 && v*unit <= 1e9) {
		return errors.New("want a size such as 40KB or 3MB")
	}

	*b = byteSize(v * unit)

	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (b byteSize) MarshalText() ([]byte, error) {
	switch {
	case b >= 1e6:
		return fmt.Appendf(nil, "%gMB", float64(b)/1e6), nil
	case b >= 1e3:
		return fmt.Appendf(nil, "%gKB", float64(b)/1e3), nil
	}

	return strconv.AppendInt(nil, int64(b), 10), nil
}

// mix is a set of sizes with weights.
type mix []weighted

type weighted struct {
	size   byteSize
	weight float64
}

// UnmarshalText reads "40KB:70,3MB:30".
func (m *mix) UnmarshalText(text []byte) error {
	*m = nil
	for part := range strings.SplitSeq(string(text), ",") {
		size, weight, _ := strings.Cut(part, ":")
		var w weighted
		if err := w.size.UnmarshalText([]byte(size)); err != nil {
			return err
		}
		if w.size < 10e3 || w.size > 20e6 {
			return errors.New("sizes are between 10KB and 20MB")
		}

		var err error
		if w.weight, err = strconv.ParseFloat(weight, 64); err != nil || !(w.weight > 0) {
			return errors.New("want sizes and weights such as 40KB:70,3MB:30")
		}

		*m = append(*m, w)
	}

	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (m mix) MarshalText() ([]byte, error) {
	parts := make([]string, len(m))
	for i, w := range m {
		size, _ := w.size.MarshalText() // never fails
		parts[i] = fmt.Sprintf("%s:%g", size, w.weight)
	}

	return []byte(strings.Join(parts, ",")), nil
}

// pick chooses an index by the weights.
func (m mix) pick(rnd *rand.Rand) int {
	total := 0.0
	for _, w := range m {
		total += w.weight
	}

	at := rnd.Float64() * total
	for i, w := range m {
		if at -= w.weight; at < 0 {
			return i
		}
	}

	return len(m) - 1
}
