// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/mqtt/packet"
)

func TestHistogram(t *testing.T) {
	t.Parallel()
	var h, other histogram
	if h.latency() != nil || h.quantile(0.5) != 0 {
		t.Error("an empty histogram has a latency")
	}
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]time.Duration, 10_000)
	for i := range values {
		values[i] = time.Duration(random.ExpFloat64() * float64(3*time.Millisecond))
		if i%2 == 0 {
			h.add(values[i])
		} else {
			other.add(values[i])
		}
	}
	h.merge(&other)
	slices.Sort(values)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999} {
		exact := values[int(q*float64(len(values)))-1]
		if got := h.quantile(q); got < exact || float64(got) > float64(exact)*(1+1.0/subBuckets) {
			t.Errorf("quantile %g is %s, exact is %s", q, got, exact)
		}
	}
	if got := h.quantile(1); got != values[len(values)-1] {
		t.Errorf("quantile 1 is %s, the maximum is %s", got, values[len(values)-1])
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{-1, 0, 1, 31, 32, 33, 63, 64, 1000, time.Second, time.Hour, 1<<63 - 1} {
		i := bucket(d)
		if d = max(d, 0); bucketEnd(i) < d || i > 0 && bucketEnd(i-1) >= d {
			t.Errorf("%d is in the bucket that ends at %d", d, bucketEnd(i))
		}
	}
}

func TestSequence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name               string
		seqs               []uint64
		fresh              int
		missing, dup, late int
	}{
		{"dense", []uint64{7, 8, 9}, 3, 0, 0, 0},
		{"hole", []uint64{1, 2, 5, 6}, 4, 2, 0, 0},
		{"copy", []uint64{1, 2, 2, 3, 1}, 3, 0, 2, 0},
		{"swapped", []uint64{1, 3, 2, 4}, 4, 0, 0, 1},
		{"middle of a hole", []uint64{1, 6, 4, 4}, 3, 3, 1, 1},
		{"ends of a hole", []uint64{1, 6, 2, 5, 4, 3, 7}, 7, 0, 0, 4},
		{"two holes", []uint64{1, 3, 6, 5, 2}, 5, 1, 0, 2},
	} {
		var s sequence
		fresh := 0
		for _, seq := range c.seqs {
			if s.see(seq) {
				fresh++
			}
		}
		got := []int{fresh, s.missing(), s.dup, s.late}
		if diff := cmp.Diff([]int{c.fresh, c.missing, c.dup, c.late}, got); diff != "" {
			t.Errorf("%s: fresh, missing, dup, late:\n%s", c.name, diff)
		}
	}
}

func TestStamp(t *testing.T) {
	t.Parallel()
	body := newBody(100)
	for _, want := range []stamp{{}, {1, 2, 3, 4}, {65535, 65535, 1<<32 - 1, 1<<63 - 1}} {
		want.put(body)
		got, ok := readStamp(body)
		if !ok || got != want {
			t.Errorf("got %v %t, want %v", got, ok, want)
		}
	}
	if len(body) != 100 || strings.TrimSpace(string(body)) != string(body) {
		t.Errorf("%q is not 100 bytes that stay when trimmed", body)
	}
	body[5] = 'a'
	if _, ok := readStamp(body); ok {
		t.Error("a word that is no stamp is read as one")
	}
	if _, ok := readStamp([]byte("bcd")); ok {
		t.Error("a short word is read as a stamp")
	}
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	const stat = "4242 (odd) name (x) S 1 4242 4242 0 -1 4194560 1 2 3 4 150 25 6 7 20 0 9 0 1234 5 6 7"
	if cpu, err := parseStat([]byte(stat)); err != nil || cpu != 1750*time.Millisecond {
		t.Errorf("%s, %v, want 1.75s", cpu, err)
	}
	for _, bad := range []string{"", "4242 (x", "4242 (x) S 1 2", strings.Replace(stat, "150", "many", 1)} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if rss, err := parseStatus([]byte("Name:\tx\nVmHWM:\t 9 kB\nVmRSS:\t    1234 kB\n")); err != nil || rss != 1234<<10 {
		t.Errorf("%d, %v, want 1234 KiB", rss, err)
	}
	for _, bad := range []string{"", "VmRSS: x kB"} {
		if _, err := parseStatus([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	if u, err := processOf(0).read(); err != nil || u != (usage{}) {
		t.Errorf("without a pid: %v, %v", u, err)
	}
	dir := t.TempDir()
	p := process{7, dir}
	if _, err := p.read(); err == nil {
		t.Error("a process that does not exist has a usage")
	}
	files := map[string]string{
		"stat":   "7 (x) S 1 1 1 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 0 0 0",
		"status": "VmRSS: 8 kB\n",
	}
	if err := os.Mkdir(filepath.Join(dir, "7"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, "7", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if u, err := p.read(); err != nil || u != (usage{70 * time.Millisecond, 8 << 10}) {
		t.Errorf("%v, %v", u, err)
	}
}

func TestReadEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		payload string
		want    event
	}{
		{`{"type":"text","id":"x","room_id":"r","seq":12,"sender_id":"a","content":"hello"}`, event{"text", 12, true, []byte(`hello"}`)}},
		{`{"type":"text","room_id":"r2","seq":3,"content":""}`, event{"text", 3, false, []byte(`"}`)}},
		{`{"seq":4, "content":"x", "room_id":"r", "type":"text"}`, event{"text", 4, true, []byte("x")}},
		{`{"type":"system","room_id":"r","seq":5,"event":"member_joined"}`, event{"system", 5, true, []byte{}}},
		{`{"type":"message_history","room_id":"r","messages":[{"type":"text","seq":9}]}`, event{"message_history", 0, true, []byte{}}},
		{`{"type":"sync_required","room_id":"r","first_seq":1,"last_seq":8}`, event{"sync_required", 0, true, []byte{}}},
		{`{"type":"text","truncated":true,"room_id":"r","seq":6}`, event{"text", 6, true, []byte{}}},
	} {
		got, err := readEvent([]byte(c.payload), []byte(`r"`))
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(event{})); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.payload, err, diff)
		}
	}
	if _, err := readEvent([]byte("hello"), []byte(`r"`)); err == nil {
		t.Error("a text is taken for an event")
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	properties := packet.AppendProperties(nil, &packet.Properties{ContentType: strings.Repeat("x", 200)})
	for qos := range byte(2) {
		whole := packet.AppendPublishTo(nil, version, strings.Repeat("t", 300), qos, 513, false, properties, []byte("hello"))
		h, n, err := packet.ReadHeader(whole)
		if err != nil {
			t.Fatal(err)
		}
		body := whole[n:]
		id, payload, ok := delivery(h.Flags, body)
		if !ok || id != 513*uint16(qos) || string(payload) != "hello" {
			t.Errorf("QoS %d: %d %q %t", qos, id, payload, ok)
		}
		for i := range len(body) - len("hello") {
			if _, _, ok := delivery(h.Flags, body[:i]); ok {
				t.Errorf("QoS %d: %d bytes are taken for a PUBLISH", qos, i)
			}
		}
	}
}

func TestReadCredentials(t *testing.T) {
	t.Parallel()
	got, err := ReadCredentials(strings.NewReader("# tokens\nalice t1\n\n{\"user\":\"bob\",\"token\":\"t2\"}\r\n"))
	if diff := cmp.Diff([]Credential{{"alice", "t1"}, {"bob", "t2"}}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, bad := range []string{"alice", "a b c", `{"user":"x"}`, `{"user":`} {
		if _, err := ReadCredentials(strings.NewReader("a b\n" + bad)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v, want an error that names line 2", bad, err)
		}
	}
}
