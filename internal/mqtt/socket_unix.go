// SPDX-License-Identifier: Apache-2.0

//go:build unix

package mqtt

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// rawConn gives access to the readiness of nc; nil when it is not a socket.
func rawConn(nc net.Conn) syscall.RawConn {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// readFD reads once. again says that there is nothing to be read for now.
func readFD(fd uintptr, b []byte) (n int, again bool, err error) {
	for {
		n, err = syscall.Read(int(fd), b)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return 0, true, nil
		case err != nil:
			return 0, false, err
		case n == 0:
			return 0, false, io.EOF
		}
		return n, false, nil
	}
}

// writeFD writes until all is written or the socket is full. Only EAGAIN counts as full: it is what arms the next
// notification that there is room.
func writeFD(fd uintptr, b []byte) (n int, full bool, err error) {
	for n < len(b) {
		m, err := syscall.Write(int(fd), b[n:])
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return n, true, nil
		case err != nil:
			return n, false, err
		}
		n += m
	}
	return n, false, nil
}
