package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
)

// steps is the time that files spent in each step of Inlet's pipeline, by its
// metrics: seconds by the step's name.
type steps map[string]float64

// steps reads the metrics.
func (c *client) steps(ctx context.Context) (steps, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.to.Base+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}

	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	s := steps{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		var seconds float64
		name, found := strings.CutPrefix(lines.Text(), `inlet_upload_step_seconds_sum{step="`)
		if !found {
			continue
		}

		name, value, _ := strings.Cut(name, `"} `)
		if _, err := fmt.Sscan(value, &seconds); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}

		s[name] = seconds
	}

	return s, nil
}

// add adds the difference of two readings.
func (s steps) add(after, before steps) {
	for name, seconds := range after {
		s[name] += seconds - before[name]
	}
}
