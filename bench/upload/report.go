package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints medians over the rounds. A ratio is the median of the rounds'
// ratios: the two runs of one round were next to each other in time.
func (b *bench) report(w io.Writer) {
	fmt.Fprintf(w, "\n%d clients, %d rounds, sent as %s; medians, ratios to the floor\n\n", b.clients, b.rounds, b.send)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "pictures/s\tfloor\tinlet\tratio\twanted\t\tp50 ms\tfloor\tinlet\tp99 ms\tfloor\tinlet\t")
	for _, sc := range b.scenarios {
		r := b.results[sc.name]
		ratio := r.ratio(outcome.rate)
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.2f\t≥ %.2f\t%s\t\t%.1f\t%.1f\t\t%.1f\t%.1f\t\n", sc.name,
			median(r.floor, outcome.rate), median(r.inlet, outcome.rate), ratio, sc.minRate, verdict(ratio >= sc.minRate),
			median(r.floor, quantile(0.5)), median(r.inlet, quantile(0.5)), median(r.floor, quantile(0.99)), median(r.inlet, quantile(0.99)))
	}

	flush(t)
	fmt.Fprintln(w)
	fmt.Fprintln(t, "processor ms/picture\tfloor\tinlet\tratio\twanted\t\tPostgres\tfloor\tinlet\tRedis\tinlet\tidle\tfloor\tinlet\tothers\tfloor\tinlet\t")
	for _, sc := range b.scenarios {
		r := b.results[sc.name]
		ratio, wanted, met := r.ratio(serverTime), "", ""
		if sc.maxCPU > 0 {
			wanted, met = fmt.Sprintf("≤ %.2f", sc.maxCPU), verdict(ratio <= sc.maxCPU)
		}

		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%s\t%s\t\t%.2f\t%.2f\t\t%.2f\t\t%.0f%%\t%.0f%%\t\t%.0f%%\t%.0f%%\t\n", sc.name,
			median(r.floor, serverTime), median(r.inlet, serverTime), ratio, wanted, met,
			median(r.floor, databaseTime), median(r.inlet, databaseTime), median(r.inlet, redisTime),
			median(r.floor, idle), median(r.inlet, idle), median(r.floor, others), median(r.inlet, others))
	}

	flush(t)
	fmt.Fprintln(w, "\nwhere a picture's time goes in Inlet, ms on the clock:")
	for _, sc := range b.scenarios {
		fmt.Fprintf(w, "  %s: %s\n", sc.name, b.results[sc.name].stepTimes())
	}
}

func flush(t *tabwriter.Writer) { _ = t.Flush() } // a closed terminal needs no report

func verdict(met bool) string {
	if met {
		return "met"
	}

	return "MISSED"
}

func quantile(q float64) func(outcome) float64 {
	return func(o outcome) float64 { return o.quantile(q) }
}

func serverTime(o outcome) float64   { return o.perPicture(o.server.Own) }
func redisTime(o outcome) float64    { return o.perPicture(o.server.Children) }
func databaseTime(o outcome) float64 { return o.perPicture(o.database) }

func idle(o outcome) float64   { return 100 * o.idle }
func others(o outcome) float64 { return 100 * o.others }

// ratio is Inlet's value as a multiple of the floor's in the same round.
func (r *result) ratio(value func(outcome) float64) float64 {
	ratios := make([]float64, len(r.inlet))
	for i := range r.inlet {
		ratios[i] = value(r.inlet[i]) / max(value(r.floor[i]), 1e-9)
	}

	return middleOf(ratios)
}

func median(outcomes []outcome, value func(outcome) float64) float64 {
	values := make([]float64, len(outcomes))
	for i, o := range outcomes {
		values[i] = value(o)
	}

	return middleOf(values)
}

func middleOf(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// stepTimes lists the steps in milliseconds a picture, the longest first.
func (r *result) stepTimes() string {
	pictures := 0
	for _, o := range r.inlet {
		pictures += o.pictures
	}

	names := slices.SortedFunc(maps.Keys(r.steps), func(a, b string) int {
		return int((r.steps[b] - r.steps[a]) * float64(time.Second))
	})

	var text []string
	for _, name := range names {
		text = append(text, fmt.Sprintf("%s %.2f", name, r.steps[name]*1000/float64(pictures)))
	}

	return strings.Join(text, ", ")
}
