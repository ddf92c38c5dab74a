package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
)

// tolerance is how many points below the column "both" a set may be.
const tolerance = 2

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func header(w io.Writer) {
	fmt.Fprintln(w, "| set | labels a class | by hand (issue) | two nets (issue) | both (issue) | within 2 points of both |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- |")
}

// print writes a set's lines of the table and tells whether all hold the bar.
func (s *set) print(w io.Writer, means [][3]float64) bool {
	all := true
	for step, k := range s.steps {
		fmt.Fprintf(w, "| %s | %d |", s.name, k)
		for c, mean := range means[step] {
			fmt.Fprintf(w, " %.1f (%s) |", mean, s.expected(c, step))
		}

		verdict := "yes"
		switch {
		case step >= len(s.paper[2]):
			verdict = "–"
		case means[step][2] < s.paper[2][step]-tolerance:
			verdict, all = "NO", false
		}
		fmt.Fprintf(w, " %s |\n", verdict)
	}
	return all
}

func (s *set) expected(column, step int) string {
	if step >= len(s.paper[column]) {
		return "–"
	}
	return fmt.Sprintf("%.0f", s.paper[column][step])
}
