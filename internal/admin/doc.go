// SPDX-License-Identifier: Apache-2.0

// Package admin is what an operator does to a server from its own machine: accounts, tokens, backups.
//
// [Operations] says what can be done. [Direct] does it, in the process that owns the data directory. [Client] has a
// running server do it: the server listens on the unix socket admin.sock in the data directory ([Listen]), which its
// owner alone may open, and a command finds it there ([Dial]). Whoever can open the socket is the operator: there are no
// further credentials, and errors are told in full.
//
// On the socket, an operation is POST /v1/NAME with a JSON object, answered by a JSON object, or by an error of the form
// {"error":{"code","message"}}. It is no public interface: command and server are one binary.
package admin
