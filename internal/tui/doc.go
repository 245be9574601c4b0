// SPDX-License-Identifier: Apache-2.0

// Package tui is the chat for terminals behind parley chat. It speaks to the server as any client does.
//
// Model is what is on the screen; what has to be asked of the server is a command that comes back as a message. Nothing is
// told by colour alone.
package tui
