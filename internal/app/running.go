// SPDX-License-Identifier: Apache-2.0

package app

import (
	dto "github.com/prometheus/client_model/go"

	"parley/internal/mqtt"
	"parley/internal/wire"
)

// fill tells administrators what the metrics tell the operator, in short.
func (s sources) fill(m *measures, out *wire.Stats) {
	at := func(c map[string]mqtt.ConnectionStats, listener string) int { return c[listener].Open }
	connections := s.mqtt.Stats().Connections
	out.Connections = wire.ConnectionStats{MQTT: at(connections, "tcp"), MQTTS: at(connections, "tls"), WebSocket: at(connections, "websocket"), SSE: s.events.Open()}
	for code, n := range s.door.Outcomes() {
		switch {
		case code == "":
			out.Requests["ok"] = n
		case n > 0:
			out.Requests[string(code)] = n
		}
	}
	st := s.store.Stats()
	out.Commits = wire.CommitStats{Total: st.Batches, Changes: st.Changes, Events: st.Events, Failed: st.Failures, Queue: st.Queue}
	var read dto.Metric
	if m.latency.Write(&read) == nil {
		h := read.GetHistogram()
		out.Commits.P50, out.Commits.P95, out.Commits.P99 = quantile(h, 0.50), quantile(h, 0.95), quantile(h, 0.99)
	}
	p := s.push.Stats()
	out.Push = wire.PushStats{Queue: p.Waiting, Calls: p.InFlight, Sent: sum(p.Sent), Failed: sum(p.Failed), Dropped: sum(p.Dropped)}
	w := s.relay.Stats()
	out.Webhooks = wire.WebhookStats{Behind: w.Behind, Calls: w.InFlight, Sent: w.Sent, Failed: sum(w.Failed), Skipped: w.Skipped}
}

func sum(of map[string]uint64) (n uint64) {
	for _, one := range of {
		n += one
	}
	return n
}

// quantile estimates below which value a share of what was observed lies, as if the observations of a bucket were spread evenly
// over it. What is above the last bucket counts as its bound; 0 where nothing was observed.
func quantile(h *dto.Histogram, share float64) float64 {
	rank, below, bound := share*float64(h.GetSampleCount()), 0.0, 0.0
	if rank == 0 {
		return 0
	}
	for _, b := range h.GetBucket() {
		count := float64(b.GetCumulativeCount())
		if count >= rank {
			return bound + (b.GetUpperBound()-bound)*(rank-below)/(count-below)
		}
		below, bound = count, b.GetUpperBound()
	}
	return bound
}
