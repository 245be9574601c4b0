// SPDX-License-Identifier: Apache-2.0

package parleytest

import (
	"os"
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the child when the test process dies, as
// it does when go test runs into its timeout.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

func askToEnd(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
