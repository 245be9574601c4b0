// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrLost says that a run found messages missing, doubled or out of order.
var ErrLost = errors.New("bench: deliveries are missing, doubled or out of order")

// Run runs the scenario and writes the report to out. The error is ErrLost with a report when the run went through but
// deliveries were not as promised. Cancelling ctx ends it early, without a report.
func Run(ctx context.Context, cfg Config, out io.Writer) (*Report, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if err := allowFiles(cfg.connections()); err != nil {
		return nil, err
	}
	p := newProgress(cfg.Progress)
	defer p.end()
	p.begin("accounts", 0)
	who, err := cfg.credentials(ctx)
	if err != nil {
		return nil, err
	}
	report := newReport(&cfg)
	report.Server, err = runOn(ctx, newLoad(&cfg, who, cfg.Addr, cfg.PID, false), p)
	if err != nil {
		return nil, err
	}
	report.Server.Name = "parley"
	if cfg.Peer != nil {
		report.Peer, err = runOn(ctx, newLoad(&cfg, who, cfg.Peer.Addr, cfg.Peer.PID, true), p)
		if err != nil {
			return nil, fmt.Errorf("bench: peer %s: %w", cfg.Peer.Name, err)
		}
		report.Peer.Name = cfg.Peer.Name
	}
	p.end()
	if err := report.write(out, cfg.JSON); err != nil {
		return report, fmt.Errorf("bench: writing the report: %w", err)
	}
	if report.Server.lost() {
		return report, ErrLost
	}
	return report, nil
}

// runOn runs the scenario on one server.
func runOn(ctx context.Context, l *load, p *progress) (*Figures, error) {
	running, stop := context.WithCancel(ctx)
	l.stop = stop
	defer l.close()
	f := &Figures{Connections: len(l.who)}
	if _, err := l.server.read(); err != nil { // before all the work of preparing
		return nil, err
	}
	if !l.broker {
		var err error
		if f.Joined, err = l.makeRooms(ctx, p); err != nil {
			return nil, err
		}
	}
	if l.cfg.Scenario == "connect" {
		return f, l.storm(ctx, p, f)
	}
	before, err := l.moment()
	if err != nil {
		return nil, err
	}
	if err := l.connectMembers(ctx, p); err != nil {
		return nil, err
	}
	connected, err := l.moment()
	if err != nil {
		return nil, err
	}
	f.connecting(before, connected)
	l.readers.Go(func() { l.pings(running) })
	if l.cfg.loaded() {
		err = l.underLoad(ctx, running, p, f)
	} else {
		err = l.idle(ctx, p, f, before)
	}
	return f, err
}

// underLoad lets the members talk and fills in what came of it. What it starts ends with running.
func (l *load) underLoad(ctx, running context.Context, p *progress, f *Figures) error {
	l.start(running)
	if err := l.wait(ctx, p, "warm-up", l.cfg.Warmup, true); err != nil {
		return err
	}
	from, err := l.moment()
	if err != nil {
		return err
	}
	l.from.Store(l.now())
	if err := l.wait(ctx, p, "measuring", l.cfg.Duration, true); err != nil {
		return err
	}
	l.until.Store(l.now())
	until, err := l.moment()
	if err != nil {
		return err
	}
	l.stopped.Store(true)
	l.drain(ctx, p)
	l.close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.between(from, until)
	f.add(l)
	return nil
}

// idle measures connections that do nothing.
func (l *load) idle(ctx context.Context, p *progress, f *Figures, before moment) error {
	if err := l.wait(ctx, p, "settling", l.cfg.Settle, false); err != nil {
		return err
	}
	from, err := l.moment()
	if err != nil {
		return err
	}
	if err := l.wait(ctx, p, "measuring", l.cfg.Duration, false); err != nil {
		return err
	}
	until, err := l.moment()
	if err != nil {
		return err
	}
	l.close()
	f.between(from, until)
	f.idling(before, from, until)
	f.add(l)
	return nil
}

// storm lets members connect, subscribe and leave over and over.
func (l *load) storm(ctx context.Context, p *progress, f *Figures) error {
	var mu sync.Mutex
	var took histogram
	failed := make(map[string]int)
	stormy, calm := context.WithCancel(ctx)
	defer calm()
	var workers sync.WaitGroup
	width := min(parallel, len(l.who))
	for worker := range width { // each has members of its own, so that nobody takes over another's session
		workers.Go(func() {
			for i := worker; stormy.Err() == nil; i += width {
				if i >= len(l.who) {
					i = worker
				}
				who := l.who[i]
				begin := l.now()
				c, err := l.connectMember(stormy, who)
				end := l.now()
				if stormy.Err() != nil {
					if err == nil {
						c.close()
					}
					return
				}
				mu.Lock()
				if err != nil {
					failed[err.Error()]++
				} else if l.measured(begin) {
					took.add(since(begin, end))
				}
				mu.Unlock()
				if err == nil {
					c.close()
				}
			}
		})
	}
	from, until, err := l.stormy(ctx, p)
	calm()
	workers.Wait()
	if err != nil {
		return err
	}
	f.between(from, until)
	f.storming(took.n, &took)
	f.add(l)
	for text, n := range failed {
		f.Faults[text] += n
	}
	return nil
}

// stormy is the time of a storm: the warm-up, and what is measured.
func (l *load) stormy(ctx context.Context, p *progress) (from, until moment, err error) {
	l.from.Store(1<<63 - 1)
	if err = l.wait(ctx, p, "warm-up", l.cfg.Warmup, false); err != nil {
		return from, until, err
	}
	if from, err = l.moment(); err != nil {
		return from, until, err
	}
	l.from.Store(l.now())
	if err = l.wait(ctx, p, "measuring", l.cfg.Duration, false); err != nil {
		return from, until, err
	}
	l.until.Store(l.now())
	until, err = l.moment()
	return from, until, err
}

// between fills in the rates and costs between two moments.
func (f *Figures) between(from, until moment) {
	f.Seconds = until.at.Sub(from.at).Seconds()
	f.Sends = until.acks - from.acks
	f.Deliveries = until.deliveries - from.deliveries
	f.SendsPerSecond = float64(f.Sends) / f.Seconds
	f.DeliveriesPerSecond = float64(f.Deliveries) / f.Seconds
	f.ServerCPU = (until.server.cpu - from.server.cpu).Seconds()
	f.ClientCPU = (until.self.cpu - from.self.cpu).Seconds()
	f.ServerRSS = until.server.rss
	f.CPUPercent = 100 * f.ServerCPU / f.Seconds
	if f.ServerCPU > 0 {
		f.SendsPerCPUSecond = float64(f.Sends) / f.ServerCPU
		f.DeliveriesPerCPUSecond = float64(f.Deliveries) / f.ServerCPU
		if f.Deliveries > 0 {
			f.MicrosPerDelivery = f.ServerCPU * 1e6 / float64(f.Deliveries)
		}
	}
}

// connecting fills in what connecting everybody took.
func (f *Figures) connecting(from, until moment) {
	f.ConnectsPerSecond = float64(f.Connections) / max(until.at.Sub(from.at), time.Millisecond).Seconds()
	f.ConnectCPUMicros = float64((until.server.cpu - from.server.cpu).Microseconds()) / float64(f.Connections)
}

// idling fills in the memory that idle connections take.
func (f *Figures) idling(before, from, until moment) {
	f.RSSBefore = before.server.rss
	if before.server.rss > 0 {
		rss := min(from.server.rss, until.server.rss)
		f.KiBPerConnection = float64(rss-before.server.rss) / 1024 / float64(f.Connections)
	}
}

// storming fills in what a storm of n connections took.
func (f *Figures) storming(n uint64, took *histogram) {
	f.ConnectsPerSecond = float64(n) / f.Seconds
	if n > 0 {
		f.ConnectCPUMicros = f.ServerCPU * 1e6 / float64(n)
	}
	f.ConnectLatency = took.latency()
}

// add fills in what the readers, who have ended, counted.
func (f *Figures) add(l *load) {
	var ack, deliver histogram
	f.Faults = map[string]int{}
	for _, sh := range l.shards {
		ack.merge(&sh.ackLatency)
		deliver.merge(&sh.deliverLatency)
		for text, n := range sh.faults {
			f.Faults[text] += n
		}
	}
	for text, n := range l.faults {
		f.Faults[text] += n
	}
	f.AckLatency, f.DeliverLatency = ack.latency(), deliver.latency()
	for i := range l.members {
		m := &l.members[i]
		f.Duplicated += m.order.dup
		f.OutOfOrder += m.order.late
		// A message that does not come is seen as a hole in the order too, unless nothing comes after it.
		f.Missing += max(int(m.room.acknowledged.Load()-m.received), m.order.missing(), 0)
	}
}
