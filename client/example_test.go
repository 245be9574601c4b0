// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"parley/client"
)

// exampleServer runs a server with alice, who owns the public room general, and bob.
func exampleServer() (address string, stop func()) {
	dir, err := os.MkdirTemp("", "parley-example-")
	if err != nil {
		log.Fatal(err)
	}
	address, end, err := begin(context.Background(), dir)
	if err != nil {
		log.Fatal(err)
	}
	ctx, alice, hangUp := connect(address, "alice")
	if err := alice.Call(ctx, "rooms/create", map[string]any{"name": "General", "room_id": "general"}, nil); err != nil {
		log.Fatal(err)
	}
	hangUp()
	return address, func() {
		if err := errors.Join(end(), os.RemoveAll(dir)); err != nil {
			log.Fatal(err)
		}
	}
}

// connect dials for an example, which has a minute.
func connect(server, user string) (context.Context, *client.Client, func()) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	c, err := client.Dial(ctx, client.Config{Server: server, User: user, Password: password})
	if err != nil {
		log.Fatal(err)
	}
	return ctx, c, func() {
		cancel()
		_ = c.Close()
	}
}

func Example() {
	server, stop := exampleServer()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	bob, err := client.Dial(ctx, client.Config{Server: "mqtt://" + server, User: "bob", Password: password})
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close()
	if err := bob.Join(ctx, "general"); err != nil {
		log.Fatal(err)
	}
	if _, err := bob.Send(ctx, "general", "hello"); err != nil {
		log.Fatal(err)
	}
	for e := range bob.Events() { // one's own messages, too
		if e.Type == "text" {
			fmt.Println(e.SenderName+":", e.Content)
			break
		}
	}
	// Output:
	// bob: hello
}

// A bot: it waits for a word, and answers in the thread of who said it.
func ExampleClient_Events() {
	server, stop := exampleServer()
	defer stop()
	ctx, alice, hangUp := connect(server, "alice")
	defer hangUp()
	_, bot, hangUpBot := connect(server, "bob")
	defer hangUpBot()
	if err := bot.Join(ctx, "general"); err != nil {
		log.Fatal(err)
	}
	go func() {
		for e := range bot.Events() {
			if e.Type == "text" && e.Content == "ping" {
				_ = bot.Call(ctx, "message/"+e.ID+"/reply", map[string]any{"content": "pong"}, nil)
			}
		}
	}()

	asked, err := alice.Send(ctx, "general", "ping")
	if err != nil {
		log.Fatal(err)
	}
	for e := range alice.Events() {
		if e.Type == "text" && e.Sender == bot.User() {
			fmt.Println(e.Content, e.ReplyTo == asked.ID, e.Thread == asked.ID)
			break
		}
	}
	// Output:
	// pong true true
}

// Any route can be asked for by its name and fields. A refusal has a code.
func ExampleClient_Call() {
	server, stop := exampleServer()
	defer stop()
	ctx, alice, hangUp := connect(server, "alice")
	defer hangUp()

	var made struct {
		Room struct {
			Name    string `json:"name"`
			Members int    `json:"member_count"`
		} `json:"room_data"`
	}
	create := map[string]any{"name": "Greenhouse", "room_id": "greenhouse", "type": "private"}
	if err := alice.Call(ctx, "rooms/create", create, &made); err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.Room.Name, made.Room.Members)

	err := alice.Call(ctx, "rooms/create", create, nil)
	if refusal, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(refusal.Code)
	}
	// Output:
	// Greenhouse 1
	// conflict
}

// What is asked again with the same client_msg_id is done once, after a crash of the program, too.
func ExampleClient_Call_exactlyOnce() {
	server, stop := exampleServer()
	defer stop()
	ctx, alice, hangUp := connect(server, "alice")
	defer hangUp()

	reading := map[string]any{"content": "soil moisture 31 %", "client_msg_id": "sensor 7, reading 1204"}
	var first, again client.Sent
	if err := errors.Join(
		alice.Call(ctx, "message/general", reading, &first),
		alice.Call(ctx, "message/general", reading, &again),
	); err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.ID == first.ID, again.Duplicate)
	// Output:
	// true true
}

// A room is read backwards, page by page.
func ExampleClient_History() {
	server, stop := exampleServer()
	defer stop()
	ctx, alice, hangUp := connect(server, "alice")
	defer hangUp()
	for i := range 5 {
		if _, err := alice.Send(ctx, "general", fmt.Sprint("message ", i)); err != nil {
			log.Fatal(err)
		}
	}

	before := uint64(0) // from the latest on
	for more := true; more; {
		page, err := alice.History(ctx, "general", before, 2)
		if err != nil {
			log.Fatal(err)
		}
		for _, m := range page.Messages {
			if m.IsMessage() { // leaves out who has joined
				fmt.Println(m.Content)
			}
		}
		before, more = page.Covers[0], page.HasMore
	}
	// Output:
	// message 4
	// message 3
	// message 2
	// message 1
	// message 0
}

// A private conversation begins with its first message.
func ExampleClient_Send_private() {
	server, stop := exampleServer()
	defer stop()
	ctx, alice, hangUp := connect(server, "alice")
	defer hangUp()
	sent, err := alice.Send(ctx, "@bob", "just you")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent.Room, sent.Seq)
	// Output:
	// private:alice:bob 1
}
