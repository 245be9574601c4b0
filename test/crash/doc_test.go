// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Package crash tests that what was acknowledged is kept: through kill -9, in the order of system calls, and on a full disk.
//
// TestKill is as long as it is asked to be: PARLEY_KILLS kills (200; 10 with -short), at most PARLEY_KILL_SECONDS (100).
// PARLEY_KILL_SEED repeats the random choices of a run, though not the scheduling of processes.
package crash

import (
	"os"
	"testing"

	"parley/test/systemtest"
)

func TestMain(m *testing.M) { os.Exit(systemtest.Main(m)) }
