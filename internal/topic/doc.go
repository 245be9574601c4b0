// SPDX-License-Identifier: Apache-2.0

// Package topic routes requests that are addressed by a topic, such as
// "rooms/join/general", to typed handlers. It knows nothing about where
// requests come from or what they are about: the doors of a program (an MQTT
// listener, an HTTP server, a test) turn what they receive into a [Request] and
// what they get back, a [Result], into an answer.
//
// # Patterns
//
// A pattern is a list of segments separated by "/". A segment is a literal or a
// parameter {name} that fills the whole segment:
//
//	rooms/list
//	rooms/join/{room_id}
//	rooms/{room_id}/info
//
// A literal matches only itself, byte for byte. A parameter matches any segment
// that is not empty; its value is taken as it stands, nothing is unescaped.
// There is no parameter that matches several segments, and at most [MaxParams]
// in one pattern.
//
// Where several patterns match a topic, they are compared segment by segment
// from the left, and a literal beats a parameter. The order of registration
// plays no part. With the patterns above "rooms/join/info" goes to
// rooms/join/{room_id}; "rooms/list/info" goes to rooms/{room_id}/info, for no
// pattern that begins with rooms/list fits. Matching allocates nothing and
// visits each pattern's node at most once, however long the topic is.
//
// # Registration
//
// [New] makes a router, [Router.Group] a group of routes with a common prefix
// and common middleware. Groups nest: prefixes are joined, and the middleware
// of the outer group runs first. [Handle] adds a route:
//
//	r := topic.New[Caller]()
//	chat := r.Group("chat", limitRate, decode)
//	rooms := chat.Group("rooms", mustBeActive)
//	topic.Handle[JoinRoom, RoomJoined](rooms, "join/{room_id}", join,
//		topic.QoS(1), topic.Doc("Join a room."))
//
// The type parameter C of all these types is whatever the program knows about
// who is asking. The type parameters of Handle are the payload and the reply.
// The payload type is enforced: the handler gets a pointer to it. The reply type
// is recorded for documents made by [Router.Walk]; a handler may reply with
// anything.
//
// A wrong registration panics, with a message that names the pattern and, where
// two clash, both: a malformed pattern, a parameter named twice, two patterns of
// the same shape, two routes of the same name, an option out of range, a nil
// handler or middleware, a registration after the router is in use. So a
// program with a bad table does not start. A panic leaves the router as it was.
//
// Register from one goroutine, before the first request. From then on, or from
// [Router.Freeze], the router does not change and is safe for concurrent use.
//
// # Handlers and results
//
// A [Handler] runs on the goroutine of the one who calls [Router.Dispatch]. A
// door that reads requests from a connection thereby hands them over in the
// order of arrival, and a handler must not wait for slow things. It returns one
// of three results:
//
//   - [Done]: the outcome is known.
//   - [Later]: the request has been accepted in its order, and the outcome comes
//     through a [Promise], for instance after a commit.
//   - [Delay]: not yet. Nothing has been done; the door calls resume after the
//     given time and holds back later requests of the same connection until
//     then, so that their order is kept.
//
// The zero Result is none of these: it counts as the error [ErrNoResult], so
// that a forgotten outcome is never taken for a success.
//
// # Middleware
//
// A [Middleware] wraps a handler. It is a gate: it lets the request pass,
// perhaps altered, or answers it itself, with an error or with [Delay]. It does
// not look at the outcome of what it wraps, which is usually not known yet when
// the handler returns; doors count and log outcomes. The request's Route is set
// when middleware runs, so that it can go by the route's properties and tags.
//
// One middleware has to decode: it fills [Request.In] with a pointer made by
// [Route.NewIn]. Without one, every typed handler answers [ErrNotDecoded].
//
// # Who owns what
//
// The Request and its Payload belong to the door and are valid until the
// handler returns, so doors may reuse both. Handlers copy what they keep. A
// decoder must not leave references to Payload in In. The one exception is
// [Delay]: its resume function may use the same Request, so a door that gets a
// delayed result keeps the Request and calls [Request.Own], which makes the
// payload the request's own. Therefore resume reads req.Payload when it runs and
// does not carry along a slice of it. Topic and parameters are ordinary strings
// and may be kept.
//
// Panics in handlers are not caught here; what they should end is known to the
// door.
package topic
