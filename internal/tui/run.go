// SPDX-License-Identifier: Apache-2.0

package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"parley/client"
)

// States hands the changes of a connection to a screen that comes later. The latest one counts.
type States struct{ latest chan client.State }

// NewStates makes one.
func NewStates() *States { return &States{make(chan client.State, 1)} }

// Set is for client.Config.State.
func (s *States) Set(state client.State, _ error) {
	for {
		select {
		case s.latest <- state:
			return
		case <-s.latest: // nobody has seen it
		}
	}
}

// Run shows the chat until the user quits, ctx ends or the client is closed.
func Run(ctx context.Context, c *client.Client, states *States) error {
	p := tea.NewProgram(New(c, time.Now), tea.WithContext(ctx))
	over := make(chan struct{})
	defer close(over)
	go func() {
		for {
			select {
			case s := <-states.latest:
				p.Send(StateMsg(s))
			case e, ok := <-c.Events():
				if !ok {
					p.Quit()
					return
				}
				p.Send(EventMsg(e))
			case <-over:
				return
			}
		}
	}()
	if _, err := p.Run(); err != nil && !errors.Is(err, tea.ErrInterrupted) && ctx.Err() == nil {
		return err
	}
	return c.Err()
}
