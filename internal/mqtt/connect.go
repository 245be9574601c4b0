// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"slices"

	"github.com/gobwas/ws"

	"parley/internal/mqtt/packet"
)

// connect handles CONNECT up to CONNACK. It returns false when the connection is refused or lost.
func (c *conn) connect(body []byte) bool {
	p, err := packet.DecodeConnect(body)
	if err != nil {
		var fault *packet.Error
		if p.Version != 0 && errors.As(err, &fault) {
			c.version = p.Version
			c.refuse(&Refusal{Code: fault.Code, Reason: fault.Reason})
		}
		return false
	}
	c.version = p.Version
	assigned := ""
	if p.ClientID == "" {
		assigned = rand.Text()
		p.ClientID = assigned
	}
	if len(p.ClientID) > maxClientID {
		c.refuse(&Refusal{Code: packet.ClientIDNotValid, Reason: "client identifier: give up to 256 bytes"})
		return false
	}
	props := &p.Properties
	c.problems = props.RequestProblemInfo == nil || *props.RequestProblemInfo != 0
	c.authMethod = props.AuthMethod
	c.maxPacket = int(min(props.MaximumPacketSize, math.MaxInt32))
	c.maxSend = c.srv.cfg.MaxInflight
	if props.ReceiveMaximum > 0 {
		c.maxSend = min(c.maxSend, int(props.ReceiveMaximum))
	}
	if p.Will != nil {
		will := *p.Will
		will.Payload = slices.Clone(will.Payload)
		will.Properties.CorrelationData = slices.Clone(will.Properties.CorrelationData)
		c.will, c.willDelay = &will, will.Properties.WillDelay
		will.Properties.WillDelay = 0
	}

	ctx, cancel := context.WithTimeout(c.srv.ctx, c.srv.cfg.ConnectTimeout)
	defer cancel()
	grant, err := c.srv.app.Connect(ctx, &ConnectRequest{
		Packet: &p, RemoteAddr: c.remote, Listener: c.listener.String(), PeerCertSHA256: c.fingerprint(),
	})
	if err == nil && grant == nil {
		err = errors.New("mqtt: Application.Connect gave neither grant nor error")
	}
	if err == nil && p.Will != nil && grant.CheckWill != nil {
		err = grant.CheckWill(p.Will)
	}
	if err != nil {
		c.refuse(c.srv.refusal(err))
		return false
	}
	if p.Will == nil {
		c.will = nil // the application has put it aside
	}

	ack := packet.Connack{}
	expiry := c.negotiate(&p, grant, assigned, &ack)
	if err := c.srv.attach(ctx, c, &p, grant, expiry, &ack); err != nil {
		c.refuse(c.srv.refusal(err))
		return false
	}
	return true
}

// negotiate settles keep alive and session expiry, and fills in CONNACK.
func (c *conn) negotiate(p *packet.Connect, grant *Grant, assigned string, ack *packet.Connack) (expiry uint32) {
	cfg := &c.srv.cfg
	keepAlive := p.KeepAlive
	if p.Version == packet.V5 {
		asked := uint32(0)
		if e := p.Properties.SessionExpiry; e != nil {
			asked = *e
		}
		expiry = min(asked, cfg.maxExpiry())
		out := &ack.Properties
		if expiry != asked {
			out.SessionExpiry = &expiry
		}
		if limit := uint16(cfg.KeepAliveMax.Seconds()); limit > 0 && (keepAlive == 0 || keepAlive > limit) {
			keepAlive = limit
			out.ServerKeepAlive = &limit
		}
		out.AssignedClientID = assigned
		out.ReceiveMaximum = cfg.ReceiveMaximum
		out.MaximumPacketSize = cfg.MaxPacketSize
		out.TopicAliasMaximum = cfg.TopicAliasMaximum
		out.SharedSubAvailable = new(byte) // 0: sessions are personal here
		out.AuthMethod, out.AuthData = c.authMethod, grant.Response
	} else if !p.CleanStart {
		expiry = cfg.maxExpiry()
	}
	if keepAlive > 0 { // [MQTT-3.1.2-22]
		c.keepAlive.Store((3*uint32(keepAlive)+1)/2 + 1)
	}
	c.setExpires(grant)
	return expiry
}

func (c *conn) setExpires(g *Grant) {
	if g.Expires.IsZero() {
		c.expires.Store(0)
		return
	}
	c.expires.Store(g.Expires.Unix())
}

// refusal finds what to tell the client of err.
func (srv *Server) refusal(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) && r.Code.Failed() {
		return r
	}
	srv.log.Error("mqtt: a connection is refused for a fault of ours", "error", err)
	return &Refusal{Code: packet.ServerUnavailable, Reason: "try again later"}
}

// refuse answers CONNECT with a failure. Nothing has been sent before, so the answer fits into the socket's buffer.
func (c *conn) refuse(r *Refusal) {
	c.srv.stats.refused[r.Code].Add(1)
	code := r.Code
	if c.version == packet.V5 {
		code = sayable(code, packet.CONNACK)
	}
	encode := func(reason string) []byte {
		ack := &packet.Connack{Code: code}
		ack.Properties.ReasonString = reason
		return packet.AppendConnack(nil, c.version, ack)
	}
	b := encode(r.Reason)
	if c.maxPacket > 0 && len(b) > c.maxPacket {
		b = encode("") // [MQTT-3.2.2-19]
	}
	if c.ws != nil {
		b = append(appendFrameHeader(nil, ws.OpBinary, len(b)), b...)
		b = appendCloseFrame(b, c.ws.status)
	}
	_, err := c.sock.nc.Write(b)
	c.linger = err == nil
}
