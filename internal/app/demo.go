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
		return d, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("demo: %w", err)
	}
	for _, u := range demoUsers() {
		u.Password = rand.Text()[:12]
		if _, err := a.admin.AddUser(ctx, admin.NewUser{ID: u.ID, DisplayName: u.Name, Password: u.Password, Role: u.Role}); err != nil {
			return nil, fmt.Errorf("demo: user %s: %w; a demo needs a data directory of its own, see --data", u.ID, err)
		}
		d.Users = append(d.Users, u)
	}
	if err := a.playDemo(ctx); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	return d, os.WriteFile(path, text, 0o600)
}
