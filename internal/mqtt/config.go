// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"time"
)

// The defaults, each with its reason.
const (
	// DefaultReceiveMaximum lets a sender keep a group commit well filled without holding much of its data here.
	DefaultReceiveMaximum = 256
	// DefaultMaxPacketSize holds an inline file of 256 KiB in base64 with room to spare.
	DefaultMaxPacketSize = 1 << 20
	// DefaultTopicAliasMaximum serves clients that publish to a handful of topics.
	DefaultTopicAliasMaximum = 16
	// DefaultConnectTimeout is ample for a slow link, and short for somebody who only holds a socket.
	DefaultConnectTimeout = 10 * time.Second
	// DefaultWriteTimeout outlasts the usual gaps of a mobile link.
	DefaultWriteTimeout = 30 * time.Second
	// DefaultMaxSessionExpiry covers a holiday.
	DefaultMaxSessionExpiry = 30 * 24 * time.Hour
	// DefaultMaxSessionsPerOwner is more devices than a person has.
	DefaultMaxSessionsPerOwner = 64
	// DefaultQueueLength is a large batch for one session; what is beyond it is fed again after Drained.
	DefaultQueueLength = 1000
	// DefaultQueueBytes bounds what one slow session keeps alive in memory.
	DefaultQueueBytes = 1 << 20
	// DefaultMaxUnauthenticated bounds what strangers hold who never say who they are.
	DefaultMaxUnauthenticated = 4096
	// DefaultMaxInflight is what one round trip carries at most; more would only move the queue into the client.
	DefaultMaxInflight = 256
)

// Limits that need no option.
const (
	maxConnectSize   = 64 << 10 // bytes of a CONNECT: nobody has been authenticated yet
	maxClientID      = 256      // bytes
	maxSlots         = 1024     // PUBLISH packets of one connection whose outcome is outstanding (QoS 0, and 3.1.1)
	maxSlotBytes     = 1 << 20  // bytes of their payloads
	maxSubscribing   = 16       // SUBSCRIBE and UNSUBSCRIBE packets of one connection under way
	maxSubscriptions = 1024     // of one session
	maxReadAhead     = 64 << 10 // bytes read while paused, in search of pings and acknowledgements
	softBacklog      = 64 << 10 // bytes of unsent control packets and replies at which reading pauses
	hardBacklog      = 256 << 10
	maxBacklog       = 8 << 20    // for a socket that is full: it ends, which also takes the outstanding requests into account
	maxReplies       = 256        // unsent replies
	flushChunk       = 64 << 10   // bytes given to the kernel at a time
	flushChunkTLS    = 16 << 10   // one TLS record: what has been encrypted cannot be taken back
	maxCiphertext    = 256 << 10  // bytes encrypted and not yet taken by the kernel; more means a broken peer
	lingerSeconds    = 2          // for the peer to read our last words before the socket goes
	neverExpires     = 0xFFFFFFFF // session expiry interval, seconds
	expirySweepEvery = 5          // seconds
	expirySweepBatch = 256        // stored sessions ended at a time
)

// Config holds the limits of a Server. The zero value of a field means its default, unless the field says otherwise.
type Config struct {
	// ReceiveMaximum is how many PUBLISH packets of QoS 1 and 2 an MQTT 5 client may have unacknowledged.
	ReceiveMaximum uint16
	// MaxPacketSize is the largest packet accepted, in bytes.
	MaxPacketSize uint32
	// TopicAliasMaximum is how many topic aliases an MQTT 5 client may use.
	TopicAliasMaximum uint16
	// ConnectTimeout cuts a connection that has not completed CONNECT. Counted in whole seconds.
	ConnectTimeout time.Duration
	// WriteTimeout closes a connection that takes no byte for so long although bytes wait. Counted in whole seconds.
	WriteTimeout time.Duration
	// KeepAliveMax is imposed on MQTT 5 clients that ask for a longer keep alive, or for none. 0 leaves it to the client.
	KeepAliveMax time.Duration
	// MaxSessionExpiry caps the session expiry interval; a 3.1.1 client with clean session 0 gets it.
	MaxSessionExpiry time.Duration
	// MaxSessionsPerOwner caps the persistent sessions of one owner. One more ends the longest disconnected.
	MaxSessionsPerOwner int
	// QueueLength and QueueBytes (of payloads) bound the deliveries that wait in one session; see Session.Send.
	QueueLength int
	QueueBytes  int
	// MaxConnections refuses further connections; 0 means no limit.
	MaxConnections int
	// MaxUnauthenticated closes further connections at once while so many have not completed CONNECT.
	MaxUnauthenticated int
	// MaxInflight caps the unacknowledged deliveries of QoS 1 to one client, whatever more its Receive Maximum allows.
	MaxInflight int
	// FlushWorkers write what batches left in the sessions; 0 means GOMAXPROCS.
	FlushWorkers int

	// Store keeps sessions across restarts; nil keeps them in memory.
	Store SessionStore
	// Now is the wall clock, for the expiry of sessions and grants; nil means time.Now.
	Now func() time.Time
	// Logger hears of faults; nil discards.
	Logger *slog.Logger
}

// Validate fills in the defaults and names the first field that makes no sense.
func (c *Config) Validate() error {
	fill(&c.ReceiveMaximum, DefaultReceiveMaximum)
	fill(&c.MaxPacketSize, DefaultMaxPacketSize)
	fill(&c.TopicAliasMaximum, DefaultTopicAliasMaximum)
	fill(&c.ConnectTimeout, DefaultConnectTimeout)
	fill(&c.WriteTimeout, DefaultWriteTimeout)
	fill(&c.MaxSessionExpiry, DefaultMaxSessionExpiry)
	fill(&c.MaxSessionsPerOwner, DefaultMaxSessionsPerOwner)
	fill(&c.QueueLength, DefaultQueueLength)
	fill(&c.QueueBytes, DefaultQueueBytes)
	fill(&c.MaxUnauthenticated, DefaultMaxUnauthenticated)
	fill(&c.MaxInflight, DefaultMaxInflight)
	fill(&c.FlushWorkers, runtime.GOMAXPROCS(0))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	switch {
	case c.MaxPacketSize < 128 || c.MaxPacketSize > 268_435_460:
		return fmt.Errorf("mqtt: MaxPacketSize %d: give 128 to 268435460 bytes", c.MaxPacketSize)
	case c.ConnectTimeout < time.Second:
		return fmt.Errorf("mqtt: ConnectTimeout %v: give a second or more", c.ConnectTimeout)
	case c.WriteTimeout < time.Second:
		return fmt.Errorf("mqtt: WriteTimeout %v: give a second or more", c.WriteTimeout)
	case c.KeepAliveMax < 0 || c.KeepAliveMax > 0xFFFF*time.Second || c.KeepAliveMax > 0 && c.KeepAliveMax < time.Second:
		return fmt.Errorf("mqtt: KeepAliveMax %v: give 0, or a second to 65535 seconds", c.KeepAliveMax)
	case c.MaxSessionExpiry < time.Second || c.MaxSessionExpiry >= neverExpires*time.Second:
		return fmt.Errorf("mqtt: MaxSessionExpiry %v: give a second to 136 years", c.MaxSessionExpiry)
	case c.MaxSessionsPerOwner < 1:
		return fmt.Errorf("mqtt: MaxSessionsPerOwner %d: give 1 or more", c.MaxSessionsPerOwner)
	case c.QueueLength < 8 || c.QueueLength > 1<<20:
		return fmt.Errorf("mqtt: QueueLength %d: give 8 to 1048576 messages", c.QueueLength)
	case c.QueueBytes < 1024:
		return fmt.Errorf("mqtt: QueueBytes %d: give 1024 or more", c.QueueBytes)
	case c.MaxConnections < 0:
		return fmt.Errorf("mqtt: MaxConnections %d: give 0 for no limit, or more", c.MaxConnections)
	case c.MaxUnauthenticated < 1:
		return fmt.Errorf("mqtt: MaxUnauthenticated %d: give 1 or more", c.MaxUnauthenticated)
	case c.MaxInflight < 1 || c.MaxInflight > 0xFFFF:
		return fmt.Errorf("mqtt: MaxInflight %d: give 1 to 65535", c.MaxInflight)
	case c.FlushWorkers < 1:
		return fmt.Errorf("mqtt: FlushWorkers %d: give 1 or more", c.FlushWorkers)
	}
	return nil
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c *Config) maxExpiry() uint32 { return uint32(c.MaxSessionExpiry / time.Second) }

// seconds rounds d up to whole ticks of the sweep, plus one because the current tick has begun already.
func seconds(d time.Duration) uint32 { return uint32((d+time.Second-1)/time.Second) + 1 }
