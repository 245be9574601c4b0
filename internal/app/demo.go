// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"parley/internal/admin"
	"parley/internal/chat"
)

// Demo is what a demo server has in it.
type Demo struct {
	Users []DemoUser `json:"users"`
	Rooms []string   `json:"rooms"` // where everybody is
	// Unfinished says that a start was interrupted while it made the demo: the next one goes on with it.
	Unfinished bool `json:"unfinished,omitempty"`
}

// DemoUser is an account with its password, random for each data directory.
type DemoUser struct {
	ID       chat.UserID     `json:"user_id"`
	Name     string          `json:"display_name"`
	Password string          `json:"password"`
	Role     chat.ServerRole `json:"role"`
}

// demoFile keeps the demo's passwords in the data directory, for the next start. Its mode is 0600.
const demoFile = "demo.json"

// makeDemo makes the demo's accounts and rooms, where they are not there yet.
func (a *App) makeDemo(ctx context.Context) (*Demo, error) {
	path := filepath.Join(a.cfg.Data, demoFile)
	d := &Demo{Rooms: []string{"general"}}
	kept, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(kept, d); err != nil {
			return nil, fmt.Errorf("demo: %s: %w; remove the file and the data directory to begin anew", path, err)
		}
		if !d.Unfinished {
			return d, nil
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("demo: %w", err)
	default:
		if err := a.beginDemo(ctx, d); err != nil {
			return nil, fmt.Errorf("demo: %w", err)
		}
		if err := d.write(path); err != nil {
			return nil, fmt.Errorf("demo: %w", err)
		}
	}
	for _, u := range d.Users {
		known, err := a.store.ReadUser(ctx, u.ID)
		if err == nil && known == nil {
			_, err = a.admin.AddUser(ctx, admin.NewUser{ID: u.ID, DisplayName: u.Name, Password: u.Password, Role: u.Role})
		}
		if err != nil {
			return nil, fmt.Errorf("demo: user %s: %w", u.ID, err)
		}
	}
	if err := a.playDemo(ctx); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	d.Unfinished = false
	if err := d.write(path); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return d, nil
}

// beginDemo chooses the accounts and their passwords.
func (a *App) beginDemo(ctx context.Context, d *Demo) error {
	for _, u := range demoUsers() {
		switch known, err := a.store.ReadUser(ctx, u.ID); {
		case err != nil:
			return err
		case known != nil:
			return fmt.Errorf("there is a user %s already; a demo needs a data directory of its own, see --data", u.ID)
		}
		u.Password = rand.Text()[:12]
		d.Users = append(d.Users, u)
	}
	d.Unfinished = true
	return nil
}

// write replaces the file as a whole, so that a crash leaves the former one or the new one.
func (d *Demo) write(path string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}
