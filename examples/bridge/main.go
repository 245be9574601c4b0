// SPDX-License-Identifier: Apache-2.0

// Bridge copies the messages of one room into another, on the same server or a second one: each once, in order, also those that came
// while it was not running. Its accounts have to be members; what they write is not copied, so that two bridges make no circle.
// Beside `make run`:
//
//	PARLEY_PASSWORD=… go run ./examples/bridge -user sprout general greenhouse
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"parley/client"
)

// bridge is a way from one room to another. How far it has come is kept in a file.
type bridge struct {
	source, target *client.Client
	from, to, file string
	at             struct{ Epoch, Seq int64 } // copied up to here
}

func main() {
	in := client.Config{Password: os.Getenv("PARLEY_PASSWORD")}
	flag.StringVar(&in.Server, "server", "mqtt://127.0.0.1:1883", "where the first room is")
	flag.StringVar(&in.User, "user", "", "the account; not needed with a token as PARLEY_PASSWORD")
	to := flag.String("to", "", "the second room's server, with a token for it in PARLEY_TO_TOKEN; empty: the same")
	file := flag.String("place", "bridge.json", "the file that keeps how far it has come")
	flag.Parse()
	out := in
	if *to != "" {
		out = client.Config{Server: *to, Password: os.Getenv("PARLEY_TO_TOKEN")}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, in, out, &bridge{from: flag.Arg(0), to: flag.Arg(1), file: *file}); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

// run copies until ctx ends.
func run(ctx context.Context, in, out client.Config, b *bridge) (err error) {
	if text, err := os.ReadFile(b.file); err == nil {
		if err := json.Unmarshal(text, &b.at); err != nil {
			return fmt.Errorf("%s: %w", b.file, err)
		}
	}
	if b.source, err = client.Dial(ctx, in); err != nil { // from here on events wait for us
		return err
	}
	defer b.source.Close()
	if b.target, err = client.Dial(ctx, out); err != nil {
		return err
	}
	defer b.target.Close()
	for more := b.at.Epoch != 0; more; { // what came while nobody copied
		var page client.Page
		if err := b.source.Call(ctx, "history/"+b.from, map[string]any{"after_seq": b.at.Seq}, &page); err != nil {
			return err
		}
		more = page.HasMore
		for _, e := range page.Messages {
			if err := b.copy(ctx, e); err != nil {
				return err
			}
		}
	}
	defer context.AfterFunc(ctx, func() { b.source.Close() })()
	for e := range b.source.Events() {
		if err := b.copy(ctx, e); err != nil {
			return err
		}
	}
	return b.source.Err()
}

// copy sends a message on, and notes its place. A copy that was cut off is repeated as the same request, and so done once.
func (b *bridge) copy(ctx context.Context, e client.Event) error {
	if e.Room != b.from || e.Seq == 0 || e.Epoch == b.at.Epoch && int64(e.Seq) <= b.at.Seq {
		return nil
	}
	if e.Type == "text" && !e.Deleted && e.Sender != b.target.User() && e.Sender != b.source.User() {
		id := fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s %d %d", e.Room, e.Epoch, e.Seq)))[:32]
		fields := map[string]any{"content": e.SenderName + ": " + e.Content, "client_msg_id": id}
		if err := b.target.Call(ctx, "message/"+b.to, fields, nil); err != nil {
			return fmt.Errorf("copying %s %d: %w", e.Room, e.Seq, err)
		}
	}
	b.at.Epoch, b.at.Seq = e.Epoch, int64(e.Seq)
	text, _ := json.Marshal(b.at) // two numbers
	return os.WriteFile(b.file, text, 0o600)
}
