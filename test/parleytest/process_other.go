// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package parleytest

import (
	"os"
	"os/exec"
	"syscall"
)

func dieWithParent(*exec.Cmd) {}

func askToEnd(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
