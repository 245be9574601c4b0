// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package mqtt

import (
	"errors"
	"net"
	"syscall"
)

// rawConn gives nil: readiness is not to be had here, and every connection reads and writes blocking on goroutines of its own.
func rawConn(net.Conn) syscall.RawConn { return nil }

var errNoReadiness = errors.New("mqtt: no readiness on this system")

func readFD(uintptr, []byte) (n int, again bool, err error) { return 0, false, errNoReadiness }

func writeFD(uintptr, []byte) (n int, full bool, err error) { return 0, false, errNoReadiness }
