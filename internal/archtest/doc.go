// SPDX-License-Identifier: Apache-2.0

// Package archtest holds the architecture as a failing test: which package may
// import which, and what every file of the tree has to look like.
//
// The table is in rooms.go. It covers production code of all build tags and
// operating systems; tests may import what they like. A package that no line
// of the table covers fails the test, so a new package begins with a line
// there. docs/architecture.md explains the arrows.
package archtest
