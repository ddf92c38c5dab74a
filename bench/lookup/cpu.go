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

// processor is the processor time of the server's connections to this database so
// far. Unlike the time on a clock, other load does not change it.
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

// processorOf reads the processor time of a process from Linux.
func processorOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0, err
	}

	field, _, _ := bytes.Cut(stat, []byte(" "))
	n, err := strconv.ParseInt(string(field), 10, 64)

	return time.Duration(n), err
}
