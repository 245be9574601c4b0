// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress draws one line on a terminal and draws it again as things go on.
type progress struct {
	w io.Writer // nil draws nothing

	mu    sync.Mutex
	what  string
	total int
	drawn time.Time
	dirty bool // there is a line to wipe out
}

// redraw is the least time between two drawings.
const redraw = 50 * time.Millisecond

func newProgress(w io.Writer) *progress { return &progress{w: w} }

// begin names a new stage of total steps; with 0 there is only its name.
func (p *progress) begin(what string, total int) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.total, p.drawn = what, total, time.Time{}
	p.draw(0)
}

// step says how many steps are done. It may be called from several goroutines.
func (p *progress) step(done int) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw(done)
}

func (p *progress) draw(done int) {
	if time.Since(p.drawn) < redraw {
		return
	}
	p.drawn, p.dirty = time.Now(), true
	const width = 30
	bar := ""
	if p.total > 0 {
		full := min(width, width*done/p.total)
		bar = fmt.Sprintf(" [%s%s] %3d %%", strings.Repeat("#", full), strings.Repeat(" ", width-full), min(100, 100*done/p.total))
	}
	fmt.Fprintf(p.w, "\r\x1b[K%-12s%s", p.what, bar)
}

// end wipes the line out.
func (p *progress) end() {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dirty {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.dirty = false
	}
}
