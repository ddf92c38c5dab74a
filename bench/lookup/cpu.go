package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"
)

// processor is how much processor time the pool's connections have taken at the
// server so far, where the system tells: what others do on the machine is not in
// it, as it is in what a clock says.
func (s *store) processor(ctx context.Context) (all time.Duration, err error) {
	rows, err := s.pool.Query(ctx, `SELECT pid FROM pg_stat_activity WHERE datname = current_database()`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			return 0, err
		}

		took, err := processorOf(pid)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}

		all += took
	}

	return all, rows.Err()
}

// processorOf reads Linux's nanoseconds on a processor.
func processorOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0, err
	}

	field, _, _ := bytes.Cut(stat, []byte(" "))
	n, err := strconv.ParseInt(string(field), 10, 64)

	return time.Duration(n), err
}
