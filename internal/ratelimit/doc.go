// SPDX-License-Identifier: Apache-2.0

// Package ratelimit counts events per key in a sliding window.
//
// [Sliding] limits requests: at most N in any window of length W, exactly, and
// it hands out places in the future, so that a request can wait its turn rather
// than be refused. [Failures] limits attempts that went wrong, such as logins.
//
// Both keep the times of the last events of each key, at most N of them, in
// memory that grows as it is needed. Keys without an event in the last window
// are dropped, a few with each call; so memory follows the number of keys that
// were active within one window. Whoever chooses keys from what strangers send
// has to bound their number, for instance by limiting the senders' addresses
// first, and IPv6 addresses by their /64 network.
//
// Time comes from a function, usually time.Now, of which only differences are
// used. A step backwards counts as no time at all, so that a clock that is set
// back locks nobody out for longer than the window. time.Now has a monotonic
// reading and takes no such steps.
//
// All methods are safe for concurrent use. Keys are spread over several locks.
package ratelimit
