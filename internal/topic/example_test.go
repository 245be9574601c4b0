// SPDX-License-Identifier: Apache-2.0

package topic_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/internal/topic"
)

// Caller is what this program knows about who is asking.
type Caller struct{ Admin bool }

type SetLamp struct {
	Brightness int `json:"brightness"`
}

type LampSet struct {
	Room       string
	Brightness int
}

// decode is the middleware that every program needs: JSON here.
func decode(next topic.Handler[Caller]) topic.Handler[Caller] {
	return func(ctx context.Context, req *topic.Request[Caller]) topic.Result {
		in := req.Route.NewIn()
		if len(req.Payload) > 0 {
			if err := json.Unmarshal(req.Payload, in); err != nil {
				return topic.Done(nil, fmt.Errorf("bad payload: %w", err))
			}
		}
		req.In = in
		return next(ctx, req)
	}
}

// adminOnly is a gate.
func adminOnly(next topic.Handler[Caller]) topic.Handler[Caller] {
	return func(ctx context.Context, req *topic.Request[Caller]) topic.Result {
		if !req.Caller.Admin {
			return topic.Done(nil, errors.New("administrators only"))
		}
		return next(ctx, req)
	}
}

// setLamp answers when the lamp has answered.
func setLamp(_ context.Context, req *topic.Request[Caller], in *SetLamp) topic.Result {
	p := topic.NewPromise()
	reply := LampSet{Room: req.Param("room"), Brightness: in.Brightness}
	go p.Resolve(reply, nil)
	return topic.Later(p)
}

func reset(_ context.Context, req *topic.Request[Caller], _ *struct{}) topic.Result {
	return topic.Done("reset "+req.Param("room"), nil)
}

func Example() {
	r := topic.New[Caller]()
	home := r.Group("home", decode)
	topic.Handle[SetLamp, LampSet](home, "lamp/{room}", setLamp, topic.Doc("Set the brightness of a room's lamp."))
	admin := home.Group("admin", adminOnly)
	topic.Handle[struct{}, string](admin, "reset/{room}", reset, topic.QoS(2))

	r.Walk(func(route *topic.Route[Caller]) {
		fmt.Println(route.Pattern(), route.In(), route.QoS())
	})
	ask := func(t, payload string) {
		req := &topic.Request[Caller]{Topic: t, Payload: []byte(payload)}
		reply, err := r.Dispatch(context.Background(), req).Wait(context.Background())
		fmt.Println(reply, err)
	}
	ask("home/lamp/kitchen", `{"brightness": 70}`)
	ask("home/admin/reset/kitchen", "")
	ask("home/door/kitchen", "")

	// Output:
	// home/lamp/{room} topic_test.SetLamp 1
	// home/admin/reset/{room} struct {} 2
	// {kitchen 70} <nil>
	// <nil> administrators only
	// <nil> topic: no route for this topic
}

// A gate may ask the door to come back later. The door waits in its own way,
// here with a timer.
func ExampleDelay() {
	r := topic.New[Caller]()
	slow := r.Group("", func(next topic.Handler[Caller]) topic.Handler[Caller] {
		return func(_ context.Context, req *topic.Request[Caller]) topic.Result {
			if !req.Wait {
				return topic.Done(nil, errors.New("too many requests"))
			}
			return topic.Delay(time.Millisecond, func(ctx context.Context) topic.Result { return next(ctx, req) })
		}
	}, decode)
	topic.Handle[struct{}, string](slow, "reset/{room}", reset)

	ctx := context.Background()
	req := &topic.Request[Caller]{Topic: "reset/kitchen", Wait: true}
	res := r.Dispatch(ctx, req)
	if d, resume, ok := res.Delayed(); ok {
		req.Own()
		fmt.Println("waiting", d)
		<-time.After(d)
		res = resume(ctx)
	}
	fmt.Println(res.Value())
	// Output:
	// waiting 1ms
	// reset kitchen <nil> true
}
