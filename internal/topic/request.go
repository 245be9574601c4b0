// SPDX-License-Identifier: Apache-2.0

package topic

import "bytes"

// Request is one request on its way to a handler. The door fills in the
// exported fields but Route and In. A request refers to no connection: whatever
// a handler has to know about the one who asks is in Caller.
type Request[C any] struct {
	// Caller is who asks, in the program's own terms.
	Caller C
	// Topic is the whole topic, such as "chat/message/general".
	Topic string
	// Route is set by the router before middleware runs.
	Route *Route[C]
	// Payload is the body as it came. It is valid until the handler returns; see
	// Own.
	Payload []byte
	// ContentType is the media type of Payload as the client stated it, "" where
	// it did not.
	ContentType string
	// Wait says that the caller would rather wait than be refused: a gate that
	// limits the rate may answer with Delay. Where it is false the request is
	// served now or refused.
	Wait bool
	// In is a pointer to the decoded payload, made by Route.NewIn and set by a
	// middleware.
	In any

	params Params
}

// Param returns the value of a parameter of the route's pattern, "" where the
// pattern has no such parameter. A value is never empty otherwise.
func (r *Request[C]) Param(name string) string { return r.params.Get(name) }

// Own replaces Payload with a copy. A door that reuses its buffers calls it when
// a result is a [Delay], before it lets go of the buffer.
func (r *Request[C]) Own() { r.Payload = bytes.Clone(r.Payload) }

// Params are the parameters of a matched topic. It is a value of fixed size.
type Params struct {
	names  []string
	values [MaxParams]string
}

// Get returns the value of a parameter, "" where there is no such parameter.
func (p *Params) Get(name string) string {
	for i, n := range p.names {
		if n == name {
			return p.values[i]
		}
	}
	return ""
}

// Len returns the number of parameters.
func (p *Params) Len() int { return len(p.names) }

// At returns name and value of the i-th parameter from the left, from 0 to Len-1.
func (p *Params) At(i int) (name, value string) { return p.names[i], p.values[i] }
