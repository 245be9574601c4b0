// SPDX-License-Identifier: Apache-2.0

// Echobot answers "!echo TEXT" in all rooms of its user, in the thread of who asked. Beside `make run`:
//
//	PARLEY_PASSWORD=… go run ./examples/echobot -user sprout
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"strings"

	"parley/client"
)

func main() {
	server := flag.String("server", "mqtt://127.0.0.1:1883", "where the server is")
	user := flag.String("user", "", "the bot's account; not needed with a token as PARLEY_PASSWORD")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, client.Config{Server: *server, User: *user, Password: os.Getenv("PARLEY_PASSWORD")}); err != nil {
		log.Fatal(err)
	}
}

// run answers until ctx ends.
func run(ctx context.Context, cfg client.Config) error {
	cfg.State = func(s client.State, err error) {
		if err != nil {
			log.Println(s, err)
		} else {
			log.Println(s)
		}
	}
	c, err := client.Dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-c.Events():
			if !open {
				return c.Err() // for good: what is lost for a while comes back by itself
			}
			text, asked := strings.CutPrefix(e.Content, "!echo ")
			if e.Type != "text" || e.Sender == c.User() || !asked {
				continue
			}
			// Sent exactly once, whatever the connection does meanwhile.
			err := c.Call(ctx, "message/"+e.ID+"/reply", map[string]any{"content": text}, nil)
			if refusal, ok := errors.AsType[*client.Error](err); ok {
				log.Printf("in %s: %s", e.Room, refusal.Message) // muted, for instance
			}
		}
	}
}
