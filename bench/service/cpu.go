package service

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/<pid>/stat on Linux.
const tick = 10 * time.Millisecond

// CPU is processor time used so far.
type CPU struct {
	Own      time.Duration // by the process itself
	Children time.Duration // by its descendants
}

// Since is the time used after before.
func (c CPU) Since(before CPU) CPU { return CPU{c.Own - before.Own, c.Children - before.Children} }

// CPUOf reads the processor time of a process. It is 0 without /proc.
func CPUOf(pid int) CPU {
	own, reaped, children := time.Duration(0), time.Duration(0), map[int][]int{}
	used := map[int]time.Duration{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	for _, path := range stats {
		p, ok := readStat(path)
		if !ok {
			continue
		}

		children[p.parent] = append(children[p.parent], p.pid)
		used[p.pid] = p.own + p.reaped
		if p.pid == pid {
			own, reaped = p.own, p.reaped
		}
	}

	total := CPU{Own: own, Children: reaped}
	for queue := children[pid]; len(queue) > 0; queue = queue[1:] {
		total.Children += used[queue[0]]
		queue = append(queue, children[queue[0]]...)
	}

	return total
}

// Busy is the processor time that the whole machine has spent working, and all
// its processor time; both are 0 without /proc.
func Busy() (used, all time.Duration) {
	raw, _ := os.ReadFile("/proc/stat") // an error leaves it empty
	line, _, _ := strings.Cut(string(raw), "\n")
	for i, field := range strings.Fields(line) {
		ticks, _ := strconv.Atoi(field) // the first field is no number, and counts as 0
		all += time.Duration(ticks) * tick
		if i != 4 && i != 5 { // idle, and waiting for the disk
			used += time.Duration(ticks) * tick
		}

		if i == 8 { // the rest is counted in the fields before
			break
		}
	}

	return used, all
}

type procStat struct {
	pid, parent int
	own, reaped time.Duration // reaped: of ended children
}

func readStat(path string) (procStat, bool) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return procStat{}, false // the process has ended
	}

	text := string(raw)
	id, _, _ := strings.Cut(text, " ")
	// The name in parentheses may contain any character.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return procStat{}, false
	}

	number := func(s string) int {
		n, _ := strconv.Atoi(s) // the kernel writes nothing else
		return n
	}

	ticks := func(i int) time.Duration { return time.Duration(number(fields[i])) * tick }

	return procStat{
		pid: number(id), parent: number(fields[1]),
		own: ticks(11) + ticks(12), reaped: ticks(13) + ticks(14),
	}, true
}

// PeakMemory is the most resident memory of a process, in bytes. It is 0 without
// /proc.
func PeakMemory(pid int) int64 {
	raw, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status")) // without it, 0
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kilobytes, _ := strconv.ParseInt(number, 10, 64)

	return kilobytes << 10
}
