// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// Report is what a run found.
type Report struct {
	Scenario string   `json:"scenario"`
	Shape    string   `json:"shape"` // in words
	Cores    int      `json:"cores"`
	Server   *Figures `json:"server"`
	Peer     *Figures `json:"peer,omitempty"`
}

// Figures are the measurements of one server. What was not measured is zero or nil: CPU and memory without a pid.
type Figures struct {
	Name        string  `json:"name"`
	Connections int     `json:"connections"`
	Joined      int     `json:"joined"` // members that had to join their room first
	Seconds     float64 `json:"seconds"`

	Sends               int64    `json:"acknowledged_sends"`
	SendsPerSecond      float64  `json:"acknowledged_sends_per_second"`
	Deliveries          int64    `json:"deliveries"`
	DeliveriesPerSecond float64  `json:"deliveries_per_second"`
	AckLatency          *Latency `json:"send_to_ack,omitempty"`
	DeliverLatency      *Latency `json:"send_to_deliver,omitempty"`

	ServerCPU              float64 `json:"server_cpu_seconds"`
	CPUPercent             float64 `json:"server_cpu_percent_of_a_core"`
	SendsPerCPUSecond      float64 `json:"acknowledged_sends_per_cpu_second"`
	DeliveriesPerCPUSecond float64 `json:"deliveries_per_cpu_second"`
	MicrosPerDelivery      float64 `json:"cpu_us_per_delivery"`
	ServerRSS              int64   `json:"server_rss_bytes"`
	ClientCPU              float64 `json:"client_cpu_seconds"`

	ConnectsPerSecond float64  `json:"connects_per_second"`
	ConnectCPUMicros  float64  `json:"cpu_us_per_connect"`
	ConnectLatency    *Latency `json:"connect_to_subscribed,omitempty"`
	RSSBefore         int64    `json:"server_rss_before_bytes,omitempty"`
	KiBPerConnection  float64  `json:"kib_per_connection,omitempty"`

	Missing    int            `json:"missing"`
	Duplicated int            `json:"duplicated"`
	OutOfOrder int            `json:"out_of_order"`
	Faults     map[string]int `json:"faults"`
}

// lost tells whether deliveries were not as promised.
func (f *Figures) lost() bool { return f.Missing+f.Duplicated+f.OutOfOrder > 0 }

func newReport(c *Config) *Report {
	shape := fmt.Sprintf("%d connections", c.Members)
	if c.loaded() {
		shape = fmt.Sprintf("%d × %d members, %d bytes, deliveries at QoS %d, ", c.Rooms, c.Members, c.Body, c.QoS)
		switch {
		case c.Burst > 0:
			shape += fmt.Sprintf("bursts of %d", c.Burst)
		case c.Rate > 0:
			shape += fmt.Sprintf("%g messages a second", c.Rate)
		default:
			shape += fmt.Sprintf("closed loop with %d × %d in flight in each room", c.Senders, c.InFlight)
		}
		if c.IDs {
			shape += ", with message ids"
		}
	}
	return &Report{Scenario: c.Scenario, Shape: shape, Cores: runtime.NumCPU()}
}

// write writes the report as JSON or as a table.
func (r *Report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(w, "%s: %s; %.1f s on %d cores\n\n", r.Scenario, r.Shape, r.Server.Seconds, r.Cores)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	both := []*Figures{r.Server}
	if r.Peer != nil {
		both = append(both, r.Peer)
	}
	r.row(t, both, "", func(f *Figures) string { return f.Name })
	for _, row := range r.rows() {
		if slices.ContainsFunc(both, func(f *Figures) bool { return row.value(f) != "" }) {
			r.row(t, both, row.name, row.value)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return r.notes(w)
}

// row writes one line of the table, with the ratio to the peer where both values are numbers.
func (r *Report) row(w io.Writer, both []*Figures, name string, value func(*Figures) string) {
	cells := []string{fmt.Sprintf("%-34s", name)}
	for _, f := range both {
		cell := value(f)
		if cell == "" {
			cell = "-"
		}
		cells = append(cells, cell)
	}
	if len(both) == 2 {
		var a, b float64
		ratio := ""
		if _, err := fmt.Sscanf(cells[1]+" "+cells[2]+"\n", "%g %g\n", &a, &b); err == nil && b != 0 {
			ratio = fmt.Sprintf("%.2f ×", a/b)
		}
		cells = append(cells, ratio)
	}
	fmt.Fprintln(w, strings.Join(cells, "\t")+"\t")
}

// tableRow is a line of the table. An empty value was not measured; a line without any is left out.
type tableRow struct {
	name  string
	value func(*Figures) string
}

func (r *Report) rows() []tableRow {
	number := func(format string, v func(*Figures) float64) func(*Figures) string {
		return func(f *Figures) string {
			if x := v(f); x != 0 {
				return fmt.Sprintf(format, x)
			}
			return ""
		}
	}
	latency := func(v func(*Figures) *Latency) func(*Figures) string {
		return func(f *Figures) string {
			if l := v(f); l != nil {
				return fmt.Sprintf("%.2f / %.2f / %.1f", l.P50, l.P99, l.Max)
			}
			return ""
		}
	}
	const mib = 1 << 20
	return []tableRow{
		{"connections", number("%.0f", func(f *Figures) float64 { return float64(f.Connections) })},
		{"connections/s while connecting", number("%.0f", func(f *Figures) float64 { return f.ConnectsPerSecond })},
		{"server CPU a connect, µs", number("%.0f", func(f *Figures) float64 { return f.ConnectCPUMicros })},
		{"connect to SUBACK p50/p99/max, ms", latency(func(f *Figures) *Latency { return f.ConnectLatency })},
		{"acknowledged sends/s", number("%.1f", func(f *Figures) float64 { return f.SendsPerSecond })},
		{"deliveries/s", number("%.0f", func(f *Figures) float64 { return f.DeliveriesPerSecond })},
		{"send to ack p50/p99/max, ms", latency(func(f *Figures) *Latency { return f.AckLatency })},
		{"send to deliver p50/p99/max, ms", latency(func(f *Figures) *Latency { return f.DeliverLatency })},
		{"server CPU, s", number("%.2f", func(f *Figures) float64 { return f.ServerCPU })},
		{"server CPU, % of a core", number("%.2f", func(f *Figures) float64 { return f.CPUPercent })},
		{"acknowledged sends/CPU second", number("%.0f", func(f *Figures) float64 { return f.SendsPerCPUSecond })},
		{"deliveries/CPU second", number("%.0f", func(f *Figures) float64 { return f.DeliveriesPerCPUSecond })},
		{"server CPU a delivery, µs", number("%.2f", func(f *Figures) float64 { return f.MicrosPerDelivery })},
		{"server memory before, MiB", number("%.1f", func(f *Figures) float64 { return float64(f.RSSBefore) / mib })},
		{"server memory, MiB", number("%.1f", func(f *Figures) float64 { return float64(f.ServerRSS) / mib })},
		{"server memory a connection, KiB", number("%.2f", func(f *Figures) float64 { return f.KiBPerConnection })},
		{"client CPU, s", number("%.2f", func(f *Figures) float64 { return f.ClientCPU })},
		{"missing/doubled/out of order", func(f *Figures) string {
			if f.Sends == 0 {
				return ""
			}
			return fmt.Sprintf("%d / %d / %d", f.Missing, f.Duplicated, f.OutOfOrder)
		}},
	}
}

// notes writes faults, and what makes the figures less than they seem.
func (r *Report) notes(w io.Writer) error {
	var b strings.Builder
	for _, f := range []*Figures{r.Server, r.Peer} {
		if f == nil {
			continue
		}
		for _, text := range slices.Sorted(maps.Keys(f.Faults)) {
			fmt.Fprintf(&b, "%s: %d × %s\n", f.Name, f.Faults[text], text)
		}
		if f.RSSBefore > 0 && f.Joined > 0 {
			fmt.Fprintf(&b, "%s: %d members joined in this run, so its memory held that work before: restart the server and measure again\n", f.Name, f.Joined)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(w, "\n"+b.String())
	return err
}
