// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package bench

// read reads the connection until it ends. The buffer is its own: a shared one cannot be waited with.
func (m *member) read() error {
	in := make([]byte, readSize)
	for {
		kept := copy(in, m.rest)
		n, err := m.conn.Read(in[kept:])
		if err != nil {
			return err
		}
		sh := m.l.borrow()
		rest, err := m.take(sh, in[:kept+n])
		m.keep(rest)
		m.l.giveBack(sh)
		if err != nil {
			return err
		}
	}
}
