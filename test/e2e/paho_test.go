// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"
	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// paho311 is Eclipse Paho's first Go client, MQTT 3.1.1 over TCP.
type paho311 struct{}

func (paho311) name() string    { return "paho-311" }
func (paho311) needs() []string { return nil }

// waitToken waits for what Paho calls a token.
func waitToken(ctx context.Context, what string, token mqtt.Token) error {
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
}

func (paho311) connect(ctx context.Context, b broker, who login, alter func(*mqtt.ClientOptions)) (mqtt.Client, error) {
	opts := mqtt.NewClientOptions().
		AddBroker("tcp://" + b.tcp).
		SetProtocolVersion(4).
		SetClientID(who.clientID).SetUsername(who.user).SetPassword(who.password).
		SetAutoReconnect(false).SetConnectRetry(false)
	alter(opts)
	client := mqtt.NewClient(opts)
	return client, waitToken(ctx, "paho: connect", client.Connect())
}

func (p paho311) send(ctx context.Context, b broker, who login, topic string, bodies []string) error {
	client, err := p.connect(ctx, b, who, func(*mqtt.ClientOptions) {})
	if err != nil {
		return err
	}
	defer client.Disconnect(250)
	// All in flight at once; Paho sends them in the order of the calls.
	tokens := make([]mqtt.Token, len(bodies))
	for i, body := range bodies {
		tokens[i] = client.Publish(topic, 1, false, body)
	}
	for _, token := range tokens {
		if err := waitToken(ctx, "paho: publish", token); err != nil {
			return err
		}
	}
	return nil
}

func (p paho311) listen(ctx context.Context, b broker, who login, filter string) (*inbox, error) {
	arrived := newMailbox()
	client, err := p.connect(ctx, b, who, func(opts *mqtt.ClientOptions) {
		opts.SetCleanSession(false).SetOrderMatters(true)
		// What was missed arrives before the SUBSCRIBE of this connection.
		opts.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { arrived.put(string(m.Payload())) })
		opts.SetConnectionLostHandler(func(mqtt.Client, error) { arrived.close() })
	})
	if err != nil {
		return nil, err
	}
	token := client.Subscribe(filter, 1, nil)
	if err := waitToken(ctx, "paho: subscribe", token); err != nil {
		client.Disconnect(0)
		return nil, err
	}
	if granted := token.(*mqtt.SubscribeToken).Result()[filter]; granted != 1 {
		client.Disconnect(0)
		return nil, fmt.Errorf("paho: subscribe to %s: granted %#x, asked for QoS 1", filter, granted)
	}
	return &inbox{payloads: arrived.payloads, leave: func() error {
		client.Disconnect(1000) // milliseconds to finish what it is doing
		arrived.close()
		return nil
	}}, nil
}

// paho5 is Eclipse Paho's Go client for MQTT 5, over TCP.
type paho5 struct{}

func (paho5) name() string    { return "paho-5" }
func (paho5) needs() []string { return nil }

func (paho5) connect(ctx context.Context, b broker, who login, persistent bool, arrived *mailbox) (*paho.Client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", b.tcp)
	if err != nil {
		return nil, err
	}
	client := paho.NewClient(paho.ClientConfig{
		Conn:     conn,
		ClientID: who.clientID,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(m paho.PublishReceived) (bool, error) {
			arrived.put(string(m.Packet.Payload))
			return true, nil
		}},
		OnServerDisconnect: func(*paho.Disconnect) { arrived.close() },
		OnClientError:      func(error) { arrived.close() },
		PacketTimeout:      time.Minute,
	})
	expiry := uint32(0)
	if persistent {
		expiry = sessionExpiry
	}
	answer, err := client.Connect(ctx, &paho.Connect{
		ClientID: who.clientID, KeepAlive: 30, CleanStart: !persistent,
		Username: who.user, UsernameFlag: true, Password: []byte(who.password), PasswordFlag: true,
		Properties: &paho.ConnectProperties{SessionExpiryInterval: &expiry},
	})
	if err != nil {
		conn.Close()
		if answer != nil {
			err = fmt.Errorf("reason %#x: %w", answer.ReasonCode, err)
		}
		return nil, fmt.Errorf("paho 5: connect: %w", err)
	}
	return client, nil
}

func (p paho5) send(ctx context.Context, b broker, who login, topic string, bodies []string) error {
	client, err := p.connect(ctx, b, who, false, newMailbox())
	if err != nil {
		return err
	}
	for _, body := range bodies {
		// One at a time; an acknowledgement with a reason of 0x80 or more is an error.
		if _, err := client.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: []byte(body)}); err != nil {
			return errors.Join(fmt.Errorf("paho 5: publish: %w", err), client.Disconnect(&paho.Disconnect{}))
		}
	}
	return client.Disconnect(&paho.Disconnect{})
}

func (p paho5) listen(ctx context.Context, b broker, who login, filter string) (*inbox, error) {
	arrived := newMailbox()
	client, err := p.connect(ctx, b, who, true, arrived)
	if err != nil {
		return nil, err
	}
	granted, err := client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}})
	if err == nil && (len(granted.Reasons) != 1 || granted.Reasons[0] != 1) {
		err = fmt.Errorf("granted %v, asked for QoS 1", granted.Reasons)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("paho 5: subscribe to %s: %w", filter, err), client.Disconnect(&paho.Disconnect{}))
	}
	return &inbox{payloads: arrived.payloads, leave: func() error {
		// It closes the connection at once after DISCONNECT, which can cost what the broker has not read: the broker answers first.
		_, err := client.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{"nobody/asked/for/this"}})
		err = errors.Join(err, client.Disconnect(&paho.Disconnect{}))
		<-client.Done()
		arrived.close()
		return err
	}}, nil
}

// mailbox collects payloads from a client's callbacks, which may still come
// while the connection ends.
type mailbox struct {
	payloads chan string

	mu     sync.Mutex
	closed bool
}

func newMailbox() *mailbox { return &mailbox{payloads: make(chan string, inboxSize)} }

func (m *mailbox) put(payload string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.payloads <- payload
	}
}

func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		close(m.payloads)
	}
}
