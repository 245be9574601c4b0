// SPDX-License-Identifier: Apache-2.0

//go:build unix

package bench

import (
	"errors"
	"io"
	"syscall"
)

// read reads the connection until it ends. All of it is one call of RawConn.Read: a read that does not fill the buffer has
// emptied the socket, so it goes straight back to waiting, which saves the read that would only say so.
func (m *member) read() error {
	socket, ok := m.conn.(syscall.Conn)
	if !ok {
		return errors.New("the connection is not a socket")
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var cause error
	err = raw.Read(func(fd uintptr) (done bool) {
		sh := m.l.borrow()
		defer m.l.giveBack(sh)
		for {
			kept := copy(sh.in, m.rest)
			n, err := syscall.Read(int(fd), sh.in[kept:])
			switch {
			case errors.Is(err, syscall.EINTR):
				continue
			case errors.Is(err, syscall.EAGAIN):
				return false
			case err != nil:
				cause = err
				return true
			case n == 0:
				cause = io.EOF
				return true
			}
			rest, err := m.take(sh, sh.in[:kept+n])
			m.keep(rest)
			if err != nil {
				cause = err
				return true
			}
			if kept+n < len(sh.in) {
				return false
			}
		}
	})
	if cause != nil {
		return cause
	}
	return err
}
