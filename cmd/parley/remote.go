// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"parley/client"
)

// remote is how the commands for people find their server: on the command line, in the environment, or as login stored it.
type remote struct {
	Server string `name:"server" placeholder:"ADDRESS" help:"Server, as HOST, HOST:PORT or a URL (mqtt, mqtts, ws, wss, http, https); PARLEY_SERVER, or that of parley login, if not given."`
}

// The environment of the commands for people.
const (
	serverVariable = envPrefix + "SERVER"
	tokenVariable  = envPrefix + "TOKEN"
)

// reachLimit bounds how long a command waits for the server.
const reachLimit = 30 * time.Second

// account is what login stores.
type account struct {
	Server string `json:"server"`
	Token  string `json:"token"`
}

// accountFile is where it stores it.
func accountFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for the login: %w", err)
	}
	return filepath.Join(dir, "parley", "login.json"), nil
}

func readAccount() (a account, err error) {
	path, err := accountFile()
	if err != nil {
		return a, err
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("%s: %w; parley login writes a new one", path, err)
	}
	return a, nil
}

// writeAccount replaces what is stored, whole or not at all. Nobody else can read it.
func writeAccount(a account) (path string, err error) {
	if path, err = accountFile(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	b, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "login-*") // mode 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(f.Name(), path)
}

// account finds the server and the token.
func (r *remote) account(p *process) (account, error) {
	a := account{Server: r.Server}
	if a.Server == "" {
		a.Server, _ = p.env(serverVariable)
	}
	a.Token, _ = p.env(tokenVariable)
	if a.Server != "" && a.Token != "" {
		return a, nil
	}
	stored, err := readAccount()
	if err != nil {
		return a, err
	}
	if a.Server == "" {
		a.Server = stored.Server
	}
	// A stored token goes to the server that it was stored with, and to no other.
	if a.Token == "" && a.Server == stored.Server {
		a.Token = stored.Token
	}
	switch {
	case a.Server == "":
		return a, usageError{fmt.Errorf("no server is given; use parley login, --server or %s", serverVariable)}
	case a.Token == "":
		return a, usageError{fmt.Errorf("there is no token for %s; use parley login or %s", a.Server, tokenVariable)}
	}
	return a, nil
}

// dial connects as whoever is logged in.
func (r *remote) dial(ctx context.Context, p *process, state func(client.State, error)) (*client.Client, error) {
	a, err := r.account(p)
	if err != nil {
		return nil, err
	}
	c, err := dialAs(ctx, a, state)
	return c, readable(err)
}

func dialAs(ctx context.Context, a account, state func(client.State, error)) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	c, err := client.Dial(ctx, client.Config{Server: a.Server, Password: a.Token, State: state})
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%s did not answer within %v; is the address right, and does the server run? (%w)", a.Server, reachLimit, err)
	}
	return c, err
}

// readable leaves out the code of a refusal, which is for programs, and says what to do about a login that is over.
func readable(err error) error {
	e, ok := errors.AsType[*client.Error](err)
	switch {
	case !ok:
		return err
	case e.Code == "unauthenticated":
		return errors.New(e.Message + " (parley login gets a new token)")
	}
	return errors.New(e.Message)
}

type loginCommand struct {
	Server string `arg:"" help:"Server, as HOST, HOST:PORT or a URL; with a password an http or https one."`
	User   string `name:"user" placeholder:"NAME" help:"User id, for a password."`
}

// Run stores a token, which is given, or got for a password.
func (c *loginCommand) Run(ctx context.Context, p *process) error {
	secret, err := readSecret(p)
	if err != nil {
		return err
	}
	a := account{Server: c.Server, Token: secret}
	if strings.Count(secret, ".") != 2 || c.User != "" {
		if a.Token, err = c.exchange(ctx, secret); err != nil {
			return err
		}
	}
	conn, err := dialAs(ctx, a, nil)
	if e, ok := errors.AsType[*client.Error](err); ok {
		return errors.New(e.Message)
	}
	if err != nil {
		return err
	}
	user := conn.User()
	if err := conn.Close(); err != nil {
		return err
	}
	path, err := writeAccount(a)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "logged in at %s as %s; the token is in %s\n", a.Server, user, path)
	return nil
}

// readSecret asks for a password or token where the standard input is a terminal, and takes its first line otherwise.
func readSecret(p *process) (string, error) {
	fd := int(p.stdin.Fd())
	var secret string
	if term.IsTerminal(fd) {
		fmt.Fprint(p.stderr, "Password or token: ")
		b, err := term.ReadPassword(fd)
		fmt.Fprintln(p.stderr)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		secret = string(b)
	} else {
		line, err := bufio.NewReader(io.LimitReader(p.stdin, maxPasswordLine)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the password from the standard input: %w", err)
		}
		secret = strings.TrimRight(line, "\r\n")
	}
	if secret == "" {
		return "", errors.New("no password or token was given")
	}
	return secret, nil
}

// exchange gets a token for a password.
func (c *loginCommand) exchange(ctx context.Context, password string) (string, error) {
	u, err := url.Parse(c.Server)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https":
		return "", usageError{errors.New("passwords are taken at the server's http or https address; give that, or a token (parley token prints one)")}
	case c.User == "":
		return "", usageError{errors.New("--user: is missing; whose password is it?")}
	}
	body, err := json.Marshal(map[string]string{"user_id": c.User, "password": password})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.JoinPath("api/v1/auth/login").String(), bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var reply struct {
		Token string `json:"token"`
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	err = json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&reply)
	switch {
	case err == nil && reply.Token != "":
		return reply.Token, nil
	case err == nil && reply.Error.Message != "":
		return "", errors.New(reply.Error.Message)
	}
	return "", fmt.Errorf("%s answered with status %d; is it a Parley server?", c.Server, answer.StatusCode)
}

type sendCommand struct {
	remote
	Room string   `arg:"" help:"Room, or @ and a user id for a private message."`
	Text []string `arg:"" help:"What to say; - is the standard input, as one message."`
	JSON bool     `name:"json" help:"Print what became of it as JSON; otherwise nothing is printed."`
}

func (c *sendCommand) Run(ctx context.Context, p *process) error {
	text := strings.Join(c.Text, " ")
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(p.stdin, 1<<20))
		if err != nil {
			return fmt.Errorf("reading the standard input: %w", err)
		}
		text = string(b)
	}
	if !utf8.ValidString(text) { // JSON would make other characters of it
		return errors.New("the text is not UTF-8; convert it, for instance with iconv")
	}
	conn, err := c.dial(ctx, p, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 3*reachLimit) // a server over its rate holds back for a minute
	defer cancel()
	sent, err := conn.Send(ctx, c.Room, text)
	if err != nil || !c.JSON {
		return readable(err)
	}
	return json.NewEncoder(p.stdout).Encode(sent)
}

type tailCommand struct {
	remote
	Room  string `arg:"" help:"Room, or @ and a user id for a private conversation."`
	Lines int    `name:"lines" short:"n" placeholder:"N" default:"10" help:"Messages of before to begin with, at most 200."`
	JSON  bool   `name:"json" help:"Print each event as the server sends it, one a line."`
	Once  bool   `name:"once" help:"End after the messages of before."`
}

// Run prints a room's messages until it is interrupted.
func (c *tailCommand) Run(ctx context.Context, p *process) error {
	if c.Lines < 0 || c.Lines > 200 {
		return usageError{errors.New("--lines: must be from 0 to 200")}
	}
	conn, err := c.dial(ctx, p, func(s client.State, _ error) {
		if s == client.Offline {
			fmt.Fprintln(p.stderr, "parley: the connection is lost; trying again")
		}
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	room := c.Room
	if peer, ok := strings.CutPrefix(room, "@"); ok {
		a, b := conn.User(), peer
		room = "private:" + min(a, b) + ":" + max(a, b)
	}
	page, err := conn.History(ctx, room, 0, max(c.Lines, 1))
	if err != nil {
		return readable(err)
	}
	last := page.Covers[1]
	for i := min(len(page.Messages), c.Lines) - 1; i >= 0; i-- {
		if err := c.print(p.stdout, &page.Messages[i]); err != nil {
			return err
		}
	}
	if c.Once {
		return nil
	}
	if err := c.follow(ctx, p, conn.Events(), room, last); err != nil || ctx.Err() != nil {
		return err
	}
	return readable(conn.Err())
}

// follow prints what comes of a room after a seq, until events end or nothing can come any more.
func (c *tailCommand) follow(ctx context.Context, p *process, events <-chan client.Event, room string, last uint64) error {
	for {
		select {
		case <-ctx.Done():
			return nil // as asked
		case e, ok := <-events:
			switch {
			case !ok:
				return nil
			case e.Type == client.TypeReset:
				last = 0
				fmt.Fprintln(p.stderr, "parley: the server's data was replaced by other data; going on with what comes")
				continue
			case lost(&e, room):
				return fmt.Errorf("%s: nothing comes from this room any more: %s", c.Room, plainText(cmp.Or(e.Reason, "it was deleted")))
			case e.Room != room || e.Seq != 0 && e.Seq <= last:
				continue
			case e.Type == client.TypeCut && !c.JSON:
				fmt.Fprintf(p.stderr, "parley: events %d to %d are not kept any more\n", e.FirstSeq, e.LastSeq)
				continue
			}
			if err := c.print(p.stdout, &e); err != nil {
				return err
			}
		}
	}
}

// lost tells whether an event of the user's own log says that a room is not theirs any more.
func lost(e *client.Event, room string) bool {
	return (e.Type == "removed_from_room" || e.Type == "room_deleted") && e.About != nil && e.About.ID == room
}

func (c *tailCommand) print(w io.Writer, e *client.Event) (err error) {
	if c.JSON {
		_, err = fmt.Fprintf(w, "%s\n", e.Raw)
		return err
	}
	at := e.Timestamp.Time().Format("15:04")
	switch {
	case e.IsMessage():
		_, err = fmt.Fprintf(w, "%s %s: %s\n", at, plainText(e.SenderName), strings.ReplaceAll(plainText(e.Content), "\n", "\n      "))
	case e.Type == "system":
		_, err = fmt.Fprintf(w, "%s * %s\n", at, plainText(e.Content))
	}
	return err
}

// plainText takes out what a terminal would obey.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}
