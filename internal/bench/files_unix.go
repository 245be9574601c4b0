// SPDX-License-Identifier: Apache-2.0

//go:build unix

package bench

import (
	"fmt"
	"syscall"
)

// allowFiles raises the limit of open files to what n connections need, as far as the hard limit lets it.
func allowFiles(n int) error {
	const spare = 64 // standard streams, poller, sockets that are closing
	need := uint64(n + spare)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("bench: reading the limit of open files: %w", err)
	}
	if uint64(limit.Cur) >= need { //nolint:unconvert // an int64 on FreeBSD
		return nil
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("bench: raising the limit of open files: %w", err)
	}
	if uint64(limit.Cur) < need { //nolint:unconvert // an int64 on FreeBSD
		return fmt.Errorf("bench: %d connections need %d open files, the limit is %d: raise it (ulimit -Hn), or use fewer members", n, need, limit.Cur)
	}
	return nil
}
