// SPDX-License-Identifier: Apache-2.0

// Package parleytest runs the real parley binary in tests of the whole system.
//
// Build makes the binary, once, in TestMain. New prepares a server with its own
// data directory; users are added with AddUser, and Start waits until the
// server has printed the addresses of its doors. Kill ends it as a power cut
// would, Stop as an operator would; after either, Start begins again on the
// same data and the same ports.
//
//	s := parleytest.New(t, parleytest.Config{Binary: binary})
//	s.AddUser("bob", "secret of bob")
//	s.Start()
//	conn, err := net.Dial("tcp", s.Addr("mqtt"))
//	s.Kill()
//	s.Start()
//
// Everything it starts has ended when the test ends; a failed test shows what
// the server printed.
package parleytest
