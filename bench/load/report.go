package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"inlet/bench/service"
)

// report is the result of a run.
type report struct {
	Users     int                  `json:"users"`
	Rate      float64              `json:"rate,omitempty"` // open loop, files a second
	Seconds   float64              `json:"seconds"`        // until the last answer
	Files     int64                `json:"files"`
	Bytes     int64                `json:"bytes"`
	FilesPerS float64              `json:"files_per_second"` // while users began new ones
	MBPerS    float64              `json:"mb_per_second"`
	Outcomes  map[string]latencies `json:"outcomes"`
	All       latencies            `json:"all"`
	Retries   map[string]int64     `json:"retries"` // failed attempts that the user repeated, by reason
	Lost      int64                `json:"lost_answers"`
	Failures  int64                `json:"failures"` // good files that were not accepted
	Wrong     int64                `json:"wrong_answers"`
	Examples  []string             `json:"examples"`
	Usage     []usage              `json:"usage"`
	// Generator is the usage of this program, on the same processors.
	Generator    usage         `json:"generator"`
	Verification *verification `json:"verification"`
}

// usage is the use of resources of a process during the run.
type usage struct {
	Pid        int     `json:"pid"`
	CPUSeconds float64 `json:"cpu_s"`
	MSPerFile  float64 `json:"cpu_ms_per_file"`
	// Children are its descendants: PostgreSQL and Redis of a private service.
	ChildrenCPUSeconds float64 `json:"children_cpu_s"`
	PeakMemory         int64   `json:"peak_memory_bytes"`
}

// usageSince is the usage of the processes since before.
func usageSince(before map[int]service.CPU, files int64) (all []usage) {
	for _, pid := range slices.Sorted(maps.Keys(before)) {
		used := service.CPUOf(pid).Since(before[pid])
		all = append(all, usage{
			Pid: pid, CPUSeconds: used.Own.Seconds(), ChildrenCPUSeconds: used.Children.Seconds(),
			MSPerFile: 1000 * used.Own.Seconds() / float64(max(files, 1)), PeakMemory: service.PeakMemory(pid),
		})
	}

	return all
}

func cpuOf(pids ...int) map[int]service.CPU {
	all := map[int]service.CPU{}
	for _, pid := range pids {
		all[pid] = service.CPUOf(pid)
	}

	return all
}

// good tells whether the run passed.
func (r *report) good() bool {
	return r.Failures == 0 && r.Wrong == 0 && r.Files > 0 && (r.Verification == nil || r.Verification.Wrong == 0)
}

// report makes the report after a run.
func (l *load) report() *report {
	t := l.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &report{
		Users: l.users, Rate: l.rate, Seconds: t.took.Seconds(), Files: t.all.TotalCount(), Bytes: t.bytes,
		Outcomes: map[string]latencies{}, All: quantiles(t.all), Retries: t.retries, Lost: l.known.Lost,
		Failures: t.failures, Wrong: t.wrongs, Examples: append([]string{}, t.examples...),
	}

	r.FilesPerS, r.MBPerS = float64(t.fullFiles)/t.full.Seconds(), float64(t.fullBytes)/1e6/t.full.Seconds()
	for outcome, h := range t.outcomes {
		r.Outcomes[outcome] = quantiles(h)
	}

	return r
}

func (r *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *report) writeText(w io.Writer) {
	fmt.Fprintf(w, "\n%d users, %.1f s: %d files, %.1f MB; while users began new ones %.1f files/s, %.1f MB/s\n\n",
		r.Users, r.Seconds, r.Files, float64(r.Bytes)/1e6, r.FilesPerS, r.MBPerS)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "latency, ms\tfiles\tp50\tp90\tp99\tp99.9\tmax\t")
	row := func(name string, q latencies) {
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t\n", name, q.Count, q.P50, q.P90, q.P99, q.P999, q.Max)
	}

	for _, outcome := range slices.Sorted(maps.Keys(r.Outcomes)) {
		row(outcome, r.Outcomes[outcome])
	}

	row("all", r.All)
	t.Flush()
	fmt.Fprintln(w)
	for _, why := range slices.Sorted(maps.Keys(r.Retries)) {
		fmt.Fprintf(w, "retries after %q: %d\n", why, r.Retries[why])
	}

	if r.Lost > 0 {
		fmt.Fprintf(w, "requests whose answer was lost: %d\n", r.Lost)
	}

	for _, u := range r.Usage {
		fmt.Fprintf(w, "process %d: %.1f s of processor time (%.2f ms a file), its children %.1f s, at most %.0f MB\n",
			u.Pid, u.CPUSeconds, u.MSPerFile, u.ChildrenCPUSeconds, float64(u.PeakMemory)/1e6)
	}

	fmt.Fprintf(w, "this program: %.1f s of processor time (%.2f ms a file), at most %.0f MB\n",
		r.Generator.CPUSeconds, r.Generator.MSPerFile, float64(r.Generator.PeakMemory)/1e6)
	if v := r.Verification; v != nil {
		fmt.Fprintf(w, "fetched %d pictures, %.1f MB, %d of them merged; %d wrong\nstatistics: %s; compared with SQL: %s\n",
			v.Fetched, float64(v.Bytes)/1e6, v.Merged, v.Wrong, v.Statistics, v.Recount)
		r.Examples = append(r.Examples, v.Examples...)
	}

	if !r.good() {
		fmt.Fprintf(w, "FAILED: %d files were not accepted, %d answers were wrong\n", r.Failures, r.Wrong)
	}

	for _, text := range r.Examples {
		fmt.Fprintln(w, "  ", text)
	}
}

// progress writes a line each second; on a terminal it replaces the last one.
func (l *load) progress(ctx context.Context, w *os.File) {
	info, err := w.Stat()
	before, after := "", "\n"
	if err == nil && info.Mode()&os.ModeCharDevice != 0 {
		before, after = "\r\x1b[K", ""
		defer fmt.Fprintln(w)
	}

	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := l.tally.snapshot()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}

		s := l.tally.snapshot()
		fmt.Fprintf(w, "%s%4.0f s  %5d files/s  %6.1f MB/s  %5d under way  p50 %.0f ms  p99 %.0f ms  %d retries  %d errors%s",
			before, time.Since(l.tally.began).Seconds(), s.files-last.files, float64(s.bytes-last.bytes)/1e6,
			l.tally.underWay.Load(), s.latency.P50, s.latency.P99, s.retries, s.failures, after)
		last = s
	}
}
