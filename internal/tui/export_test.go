// SPDX-License-Identifier: Apache-2.0

package tui

import tea "charm.land/bubbletea/v2"

// Sent is the answer to the nth message that was sent.
func Sent(room string, n int, err error) tea.Msg { return sentMsg{room, n, err} }
