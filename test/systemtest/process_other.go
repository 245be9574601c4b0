// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package systemtest

import "os/exec"

func endWithParent(*exec.Cmd) {}
