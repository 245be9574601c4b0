// SPDX-License-Identifier: Apache-2.0

package app

import (
	"math"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	m := newMeasures()
	read := func() *dto.Histogram {
		var out dto.Metric
		if err := m.latency.Write(&out); err != nil {
			t.Fatal(err)
		}
		return out.GetHistogram()
	}
	if got := quantile(read(), 0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for range 98 {
		m.commit(1, 1, 750*time.Microsecond) // in the bucket from 0.5 to 1 ms
	}
	m.commit(1, 1, 3*time.Millisecond) // from 2 to 4
	m.commit(1, 1, time.Hour)          // above all
	h := read()
	for share, want := range map[float64]float64{0.49: 0.00075, 0.98: 0.001, 0.985: 0.003, 0.99: 0.004, 1: 0.00025 * (1 << 13)} {
		if got := quantile(h, share); math.Abs(got-want) > want/1000 {
			t.Errorf("quantile %v: %v, want %v", share, got, want)
		}
	}
}
