// SPDX-License-Identifier: Apache-2.0

//go:build unix

package crash

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// rooms are where everybody is and everything is sent.
var rooms = [...]string{"one", "two"}

// leastKills is what a run must come to within its time, on however slow a machine.
const leastKills = 10

// TestKill kills the server again and again at random moments while it is under load, and checks after each restart what the
// protocol guarantees (section 6, guarantees 1 to 4, and section 4, exactly once).
func TestKill(t *testing.T) {
	t.Parallel()
	kills := systemtest.Number(t, "PARLEY_KILLS", 200)
	if testing.Short() {
		kills = min(kills, leastKills)
	}
	seed := uint64(systemtest.Number(t, "PARLEY_KILL_SEED", int(time.Now().UnixNano()&0xFFFFFFFF)))
	t.Logf("PARLEY_KILL_SEED=%d", seed)
	k := begin(t, rand.New(rand.NewPCG(seed, 1)))

	limit := time.Duration(systemtest.Number(t, "PARLEY_KILL_SECONDS", 100)) * time.Second
	began := time.Now()
	done := 0
	for ; done < kills && (done < leastKills || time.Since(began) < limit); done++ {
		k.round(done)
		if t.Failed() {
			t.Fatalf("after %d kills", done+1)
		}
	}
	k.finish()
	t.Logf("%d kills; %d messages in the logs, %d acknowledged sends, %d deliveries checked, %d of them repetitions",
		done, k.audit.messages, k.acknowledged(), k.delivered(), k.repeated())
}

// killing is the state of a run.
type killing struct {
	t       *testing.T
	random  *rand.Rand
	server  *systemtest.Process
	tokens  map[string]string
	senders []*sender
	members []*member
	audit   *audit
}

func begin(t *testing.T, random *rand.Rand) *killing {
	k := &killing{t: t, random: random, server: systemtest.StartProcess(t, systemtest.Dir(t))}
	names := []string{"auditor", "once1", "once2", "exactly1", "exactly2", "stays1", "stays2", "away1", "away2"}
	k.tokens = k.server.AddUsers(names...)
	owner := k.device("auditor")
	for _, room := range rooms {
		owner.Create(room, "public")
	}
	for _, name := range names[1:] {
		d := k.device(name)
		for _, room := range rooms {
			d.Do("rooms/join/"+room, "")
		}
		d.Disconnect()
	}
	for i, name := range []string{"once1", "once2"} {
		k.senders = append(k.senders, newSender(name, k.tokens[name], 1, rooms[i]))
	}
	for i, name := range []string{"exactly1", "exactly2"} {
		k.senders = append(k.senders, newSender(name, k.tokens[name], 2, rooms[i]))
	}
	for _, name := range names[5:] {
		k.members = append(k.members, newMember(name, k.tokens[name], name[:4] == "away"))
	}
	k.audit = newAudit()
	for _, m := range k.members { // their sessions begin here: whatever is sent later must reach them
		c := m.connect(t, k.server.Addr("mqtt"))
		m.next = k.heads()
		c.Cut()
		m.gone(t, c)
	}
	return k
}

func (k *killing) device(name string) *systemtest.Device {
	k.t.Helper()
	d := systemtest.DeviceOn(k.t, mqtttest.Dial(k.t, k.server.Addr("mqtt")), name)
	d.Login(mqtttest.As(name, k.tokens[name]))
	d.Listen(1)
	return d
}

// heads are the first seqs that nobody has written yet.
func (k *killing) heads() map[string]uint64 {
	d := k.device("auditor")
	defer d.Disconnect()
	next := map[string]uint64{}
	for _, r := range d.Do("sync", "{}").Rooms {
		next[r.RoomID] = r.LastSeq + 1
	}
	return next
}

// round puts the server under load, kills it at a random moment, starts it again and checks everything.
func (k *killing) round(n int) {
	addr := k.server.Addr("mqtt")
	var running sync.WaitGroup
	for _, m := range k.members {
		if m.away {
			continue
		}
		if c := m.tryConnect(k.t, addr); c != nil {
			running.Go(func() { m.gone(k.t, c) })
		}
	}
	// The moment is drawn in acknowledgements, so that it falls into all phases of the load, the connecting of senders
	// included, and then within a commit or two.
	moment := newCountdown(k.random.IntN(400))
	for _, s := range k.senders {
		running.Go(func() {
			if err := s.run(k.t, addr, moment.count); err != nil {
				k.t.Errorf("round %d, %s: %v", n, s.name, err)
			}
			moment.cancel()
		})
	}
	<-moment.reached
	after := time.NewTimer(time.Duration(k.random.IntN(3000)) * time.Microsecond)
	<-after.C
	if k.random.IntN(8) == 0 {
		k.server.Stop() // nor does an orderly end lose anything
	} else {
		k.server.Kill()
	}
	running.Wait()
	if k.random.IntN(8) == 0 {
		k.server.Stillborn(time.Duration(k.random.IntN(60)) * time.Millisecond)
	}
	k.server.Restart()
	k.check(n)
}

// check looks at the logs and at what members are sent.
func (k *killing) check(n int) {
	d := k.device("auditor")
	if err := k.audit.read(d); err != nil {
		k.t.Fatalf("round %d: %v", n, err)
	}
	for _, s := range k.senders {
		if err := k.audit.has(s); err != nil {
			k.t.Errorf("round %d: %v", n, err)
		}
	}
	d.Disconnect()
	for _, m := range k.members {
		if err := m.catchUp(k.t, k.server.Addr("mqtt"), k.audit); err != nil {
			k.t.Errorf("round %d, %s: %v", n, m.name, err)
		}
	}
}

// finish lets every sender complete what it began, and checks that each send is in the log once.
func (k *killing) finish() {
	for _, s := range k.senders {
		if err := s.complete(k.t, k.server.Addr("mqtt")); err != nil {
			k.t.Errorf("%s: %v", s.name, err)
		}
	}
	k.check(-1)
	for _, s := range k.senders {
		if got, want := k.audit.sentBy[s.name], s.made; got != want {
			k.t.Errorf("%s made %d sends, %d are in the logs", s.name, want, got)
		}
	}
	k.server.Stop()
}

func (k *killing) acknowledged() (n int) {
	for _, s := range k.senders {
		n += len(s.acknowledged)
	}
	return n
}

func (k *killing) delivered() (n int) {
	for _, m := range k.members {
		n += m.delivered
	}
	return n
}

func (k *killing) repeated() (n int) {
	for _, m := range k.members {
		n += m.repeated
	}
	return n
}

// countdown says when a number of things has happened, or when it will not any more.
type countdown struct {
	mu      sync.Mutex
	left    int
	reached chan struct{}
}

func newCountdown(n int) *countdown {
	c := &countdown{left: n + 1, reached: make(chan struct{})}
	c.count()
	return c
}

func (c *countdown) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		close(c.reached)
	}
}

func (c *countdown) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left > 0 {
		c.left = 0
		close(c.reached)
	}
}

// audit is what is known to be in the logs.
type audit struct {
	next     map[string]uint64 // by room: the first seq not read
	content  map[string]string // by room and seq
	at       map[string]string // place by content
	sentBy   map[string]int
	messages int
}

func newAudit() *audit {
	return &audit{next: map[string]uint64{}, content: map[string]string{}, at: map[string]string{}, sentBy: map[string]int{}}
}

func place(room string, seq uint64) string { return fmt.Sprintf("%s/%d", room, seq) }

// read goes on where it stopped: dense seqs, no content twice, and the history agrees.
func (a *audit) read(d *systemtest.Device) error {
	for _, room := range rooms {
		began := max(a.next[room], 1)
		for more := true; more; {
			r := d.Do("sync", fmt.Sprintf(`{"rooms":{%q:%d}}`, room, max(a.next[room], 1)-1))
			for i := range r.Events {
				e := &r.Events[i]
				if e.Seq != max(a.next[room], 1) {
					return fmt.Errorf("sync of %s: seq %d where %d should be", room, e.Seq, max(a.next[room], 1))
				}
				a.next[room] = e.Seq + 1
				if e.Type != "text" {
					continue
				}
				if before, ok := a.at[e.Content]; ok {
					return fmt.Errorf("%q is twice in the logs: %s and %s/%d", e.Content, before, room, e.Seq)
				}
				at := place(room, e.Seq)
				a.at[e.Content], a.content[at] = at, e.Content
				a.sentBy[e.SenderID]++
				a.messages++
			}
			more = r.HasMore
		}
		for after, more := began-1, true; more; {
			r := d.Do("history/"+room, fmt.Sprintf(`{"after_seq":%d,"limit":200}`, after))
			for _, m := range r.Messages {
				if m.Type == "text" && a.content[place(room, m.Seq)] != m.Content {
					return fmt.Errorf("history of %s has %q at %d, sync has %q", room, m.Content, m.Seq, a.content[place(room, m.Seq)])
				}
			}
			after, more = r.Covers[1], r.HasMore
		}
	}
	return nil
}

// has tells whether all that a sender heard success about is in the logs.
func (a *audit) has(s *sender) error {
	for _, text := range s.fresh {
		if _, ok := a.at[text]; !ok {
			return fmt.Errorf("%s: %q was acknowledged and is lost", s.name, text)
		}
	}
	s.fresh = nil
	return nil
}
