// SPDX-License-Identifier: Apache-2.0

//go:build unix

package mqtttest

import "syscall"

// narrow sets a small receive buffer. Bytes; the kernel doubles it.
func narrow(fd uintptr) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
}
