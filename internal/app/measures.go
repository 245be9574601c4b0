// SPDX-License-Identifier: Apache-2.0

package app

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	httpdoor "parley/internal/edge/http"
	mqttdoor "parley/internal/edge/mqtt"
	"parley/internal/feed"
	"parley/internal/mqtt"
	"parley/internal/push"
	"parley/internal/store"
)

// measures are the metrics that are observed as things happen. No user and no room is ever a label.
type measures struct {
	batch   prometheus.Histogram
	latency prometheus.Histogram
}

func newMeasures() *measures {
	return &measures{
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "parley_commit_changes", Help: "Changes in one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11)}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "parley_commit_seconds", Help: "Time of one commit, from its first change to the end of the fsync.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 14)}),
	}
}

func (m *measures) commit(changes, _ int, d time.Duration) {
	m.batch.Observe(float64(changes))
	m.latency.Observe(d.Seconds())
}

// sources are read when somebody asks for the metrics.
type sources struct {
	mqtt   *mqtt.Server
	store  *store.SQLite
	feed   *feed.Feed
	door   *mqttdoor.Door
	events *httpdoor.Events
	push   *push.Sender
	relay  *push.Relay
}

func (m *measures) handler(s sources) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(m.batch, m.latency, s, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// Describe implements prometheus.Collector: an unchecked one, since which labels there are is known when they are read.
func (s sources) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s sources) Collect(out chan<- prometheus.Metric) {
	send := func(kind prometheus.ValueType, name, help string, v float64, labels ...string) {
		var names, values []string
		for i := 0; i+1 < len(labels); i += 2 {
			names, values = append(names, labels[i]), append(values, labels[i+1])
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("parley_"+name, help, names, nil), kind, v, values...)
	}
	gauge := func(name, help string, v float64, labels ...string) {
		send(prometheus.GaugeValue, name, help, v, labels...)
	}
	total := func(name, help string, v float64, labels ...string) {
		send(prometheus.CounterValue, name, help, v, labels...)
	}

	m := s.mqtt.Stats()
	for listener, c := range m.Connections {
		gauge("connections", "Open MQTT connections.", float64(c.Open), "listener", listener)
		total("connections_total", "MQTT connections accepted.", float64(c.Total), "listener", listener)
	}
	gauge("connections_unauthenticated", "Connections without a CONNECT yet.", float64(m.Unauthenticated))
	gauge("sessions", "MQTT sessions in memory.", float64(m.Sessions))
	total("packets_received_total", "MQTT packets received.", float64(m.PacketsIn))
	total("messages_received_total", "PUBLISH packets received.", float64(m.MessagesIn))
	total("messages_sent_total", "PUBLISH packets sent.", float64(m.MessagesOut))
	total("received_bytes_total", "Bytes received over MQTT.", float64(m.BytesIn))
	total("sent_bytes_total", "Bytes sent over MQTT.", float64(m.BytesOut))
	total("socket_writes_total", "Write system calls to MQTT clients.", float64(m.Writes))
	total("queue_full_total", "Deliveries that found a session's queue full and are read from the log later.", float64(m.QueueFull))
	total("slow_readers_total", "Connections closed because they took nothing.", float64(m.SlowReaders))
	total("keepalive_timeouts_total", "Connections closed because they were silent.", float64(m.KeepAliveTimeout))
	total("takeovers_total", "Connections replaced by another of the same session.", float64(m.Takeovers))
	total("connections_turned_away_total", "Connections closed at once because there were too many.", float64(m.Turned))
	for code, n := range m.Refused {
		total("connects_refused_total", "CONNECT packets refused.", float64(n), "reason", code.String())
	}
	for code, n := range m.Disconnected {
		total("disconnects_total", "DISCONNECT packets sent.", float64(n), "reason", code.String())
	}
	for code, n := range s.door.Outcomes() {
		if code == "" {
			code = "ok"
		}
		total("requests_total", "Requests over MQTT by outcome.", float64(n), "code", string(code))
	}
	gauge("streams", "Open streams of Server-Sent Events.", float64(s.events.Open()))
	st := s.store.Stats()
	gauge("commit_queue", "Changes that wait for the next commit.", float64(st.Queue))
	total("commits_total", "Commits.", float64(st.Batches))
	total("changes_total", "Changes applied, refused ones too.", float64(st.Changes))
	total("events_total", "Events committed to all logs.", float64(st.Events))
	total("changes_failed_total", "Changes that could not be made durable.", float64(st.Failures))
	f := s.feed.Stats()
	gauge("feed_subscriptions", "Devices that listen.", float64(f.Subscriptions))
	gauge("feed_users", "Users with a device that listens.", float64(f.Users))
	gauge("feed_rooms", "Rooms with a member who listens.", float64(f.Rooms))
	gauge("feed_behind", "Devices that wait to be read from the log.", float64(f.Behind))
	gauge("feed_batches", "Commits that wait to be offered.", float64(f.Batches))
	p := s.push.Stats()
	for kind, n := range p.Sent {
		total("push_sent_total", "Notifications that were taken by the other side.", float64(n), "kind", kind)
	}
	total("push_closed_total", "Withdrawals of notifications that were taken by the other side.", float64(p.Closed))
	for reason, n := range p.Failed {
		total("push_failed_total", "Attempts to send a notification that failed.", float64(n), "reason", reason)
	}
	for reason, n := range p.Dropped {
		total("push_dropped_total", "Notifications that were not sent.", float64(n), "reason", reason)
	}
	total("push_subscriptions_ended_total", "Subscriptions that the other side did not know any more.", float64(p.Ended))
	gauge("push_queue", "Notifications that wait.", float64(p.Waiting))
	gauge("push_calls", "Calls to push services and webhooks under way.", float64(p.InFlight))
	w := s.relay.Stats()
	total("webhook_events_total", "Events of rooms that were taken by webhooks that follow them.", float64(w.Sent))
	for reason, n := range w.Failed {
		total("webhook_failed_total", "Attempts to send an event to a webhook that failed.", float64(n), "reason", reason)
	}
	total("webhook_skipped_total", "Times that events were passed over for a webhook, being too old or cut.", float64(w.Skipped))
	total("webhook_ended_total", "Subscriptions of webhooks that wanted nothing more.", float64(w.Ended))
	gauge("webhook_behind", "Rooms of webhooks with events that were not taken yet.", float64(w.Behind))
	gauge("webhook_calls", "Calls to webhooks that follow rooms under way.", float64(w.InFlight))
}
