// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"parley/internal/admin"
	"parley/internal/app"
)

type userCommands struct {
	Add    userAdd    `cmd:"" help:"Make an account; the password comes from the standard input, or is asked for."`
	List   userList   `cmd:"" help:"List the accounts."`
	Passwd userPasswd `cmd:"" help:"Set a new password: older tokens are void, and connections end."`
	Role   userRole   `cmd:"" help:"Make an account an administrator, or a user again."`
	Remove userRemove `cmd:"" help:"Erase an account; its name stays taken."`
	Import userImport `cmd:"" help:"Make the accounts listed in a file of JSON Lines."`
}

type userAdd struct {
	Name        string `arg:"" help:"User id: a-z, 0-9 and . _ - after the first, at most 64 characters. It is never changed."`
	DisplayName string `name:"display-name" placeholder:"TEXT" help:"Name to be shown; the user id if not given."`
	Role        string `name:"role" placeholder:"ROLE" default:"user" enum:"user,administrator" help:"user or administrator."`
	NoPassword  bool   `name:"no-password" help:"Make an account that signs in with tokens only."`
}

func (c *userAdd) Run(ctx context.Context, p *process, g *Globals) error {
	u := admin.NewUser{ID: admin.UserID(c.Name), DisplayName: c.DisplayName, Role: admin.Role(c.Role)}
	if !c.NoPassword {
		var err error
		if u.Password, err = readPassword(p, c.Name); err != nil {
			return err
		}
	}
	return g.operate(ctx, p, true, func(ops app.Operations) error {
		made, err := ops.AddUser(ctx, u)
		if err != nil {
			return plain(err)
		}
		fmt.Fprintf(p.stdout, "added %s (%s%s)\n", made.ID, made.Role, tokensOnly(made))
		return nil
	})
}

func tokensOnly(u admin.User) string {
	if u.HasPassword {
		return ""
	}
	return ", tokens only"
}

type userList struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

func (c *userList) Run(ctx context.Context, p *process, g *Globals) error {
	return g.operate(ctx, p, false, func(ops app.Operations) error {
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		if !c.JSON {
			fmt.Fprintln(table, "USER\tROLE\tCREATED\tSTATE\tDISPLAY NAME")
		}
		var after admin.UserID
		for {
			page, err := ops.Users(ctx, after)
			if err != nil {
				return plain(err)
			}
			for _, u := range page {
				if err := c.print(p.stdout, table, u); err != nil {
					return err
				}
				after = u.ID
			}
			if len(page) < admin.MaxPage {
				return table.Flush()
			}
		}
	})
}

func (c *userList) print(lines, table io.Writer, u admin.User) error {
	if c.JSON {
		return json.NewEncoder(lines).Encode(u)
	}
	var state []string
	if !u.HasPassword {
		state = append(state, "tokens only")
	}
	if !u.BannedUntil.IsZero() {
		state = append(state, "banned"+until(u.BannedUntil))
	}
	if !u.MutedUntil.IsZero() {
		state = append(state, "muted"+until(u.MutedUntil))
	}
	if state == nil {
		state = []string{"-"}
	}
	_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", u.ID, u.Role, u.CreatedAt.Format(time.DateOnly), strings.Join(state, ", "), u.DisplayName)
	return err
}

func until(t time.Time) string {
	if t.Equal(admin.Forever()) {
		return ""
	}
	return " until " + t.Format(time.RFC3339)
}

type userPasswd struct {
	Name       string `arg:"" help:"User id."`
	NoPassword bool   `name:"no-password" help:"Take the password away: the account signs in with tokens only."`
}

func (c *userPasswd) Run(ctx context.Context, p *process, g *Globals) error {
	password := ""
	if !c.NoPassword {
		var err error
		if password, err = readPassword(p, c.Name); err != nil {
			return err
		}
	}
	return g.operate(ctx, p, false, func(ops app.Operations) error {
		if err := ops.SetPassword(ctx, admin.UserID(c.Name), password); err != nil {
			return plain(err)
		}
		fmt.Fprintf(p.stdout, "changed the password of %s; older tokens are void\n", c.Name)
		return nil
	})
}

type userRole struct {
	Name string `arg:"" help:"User id."`
	Role string `arg:"" enum:"administrator,user" help:"administrator or user."`
}

func (c *userRole) Run(ctx context.Context, p *process, g *Globals) error {
	return g.operate(ctx, p, false, func(ops app.Operations) error {
		if err := ops.SetRole(ctx, admin.UserID(c.Name), admin.Role(c.Role)); err != nil {
			return plain(err)
		}
		fmt.Fprintf(p.stdout, "%s is now %s\n", c.Name, map[string]string{"administrator": "an administrator", "user": "a user"}[c.Role])
		return nil
	})
}

type userRemove struct {
	Name string `arg:"" help:"User id."`
}

func (c *userRemove) Run(ctx context.Context, p *process, g *Globals) error {
	return g.operate(ctx, p, false, func(ops app.Operations) error {
		if err := ops.RemoveUser(ctx, admin.UserID(c.Name)); err != nil {
			return plain(err)
		}
		fmt.Fprintf(p.stdout, "removed %s\n", c.Name)
		return nil
	})
}

// plain leaves out the code of a refusal, which is for programs.
func plain(err error) error {
	if text, ok := admin.Refused(err); ok {
		return errors.New(text)
	}
	return err
}
