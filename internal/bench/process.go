// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of times in /proc/PID/stat: USER_HZ, 100 a second on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// process is a running process that is looked at from outside. Without a pid it has nothing to tell.
type process struct {
	pid int
	dir string // /proc
}

func processOf(pid int) process { return process{pid, "/proc"} }

// usage is what a process has used: CPU since its start, and memory now.
type usage struct {
	cpu time.Duration // user and system, all threads
	rss int64         // bytes resident
}

// read is the usage at this moment; zero without a pid.
func (p process) read() (usage, error) {
	if p.pid == 0 {
		return usage{}, nil
	}
	text, err := os.ReadFile(fmt.Sprintf("%s/%d/stat", p.dir, p.pid))
	if err != nil {
		return usage{}, fmt.Errorf("bench: CPU of process %d (pid, Linux only): %w", p.pid, err)
	}
	cpu, err := parseStat(text)
	if err != nil {
		return usage{}, fmt.Errorf("bench: CPU of process %d: %w", p.pid, err)
	}
	text, err = os.ReadFile(fmt.Sprintf("%s/%d/status", p.dir, p.pid))
	if err != nil {
		return usage{}, fmt.Errorf("bench: memory of process %d: %w", p.pid, err)
	}
	rss, err := parseStatus(text)
	if err != nil {
		return usage{}, fmt.Errorf("bench: memory of process %d: %w", p.pid, err)
	}
	return usage{cpu, rss}, nil
}

// parseStat takes utime and stime, fields 14 and 15, out of /proc/PID/stat. The second field is the name in parentheses,
// which may hold spaces and parentheses itself.
func parseStat(text []byte) (time.Duration, error) {
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return 0, errors.New("stat has no name in parentheses")
	}
	fields := strings.Fields(string(text[end+1:]))
	const first = 3 // the number of the field after the name
	if len(fields) <= 15-first {
		return 0, errors.New("stat has too few fields")
	}
	var ticks uint64
	for _, field := range fields[14-first : 16-first] {
		n, err := strconv.ParseUint(field, 10, 63)
		if err != nil {
			return 0, fmt.Errorf("stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// parseStatus takes VmRSS out of /proc/PID/status.
func parseStatus(text []byte) (int64, error) {
	for line := range bytes.Lines(text) {
		value, ok := bytes.CutPrefix(line, []byte("VmRSS:"))
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(value)), " kB"), 10, 50)
		if err != nil {
			return 0, fmt.Errorf("status: VmRSS: %w", err)
		}
		return kib << 10, nil
	}
	return 0, errors.New("status has no VmRSS")
}
