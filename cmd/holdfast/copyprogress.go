package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	barWidth   = 30
	screenTick = 200 * time.Millisecond // between two updates on a terminal
	lineTick   = 10 * time.Second       // between two lines elsewhere
)

// A copyProgress shows how far copying is: a bar on a terminal, and a line now and
// then elsewhere.
type copyProgress struct {
	to     io.Writer
	screen bool
	now    func() time.Time
	began  time.Time
	last   time.Time // when it was shown
}

func newCopyProgress(w world) *copyProgress {
	now := w.Now()
	return &copyProgress{to: w.Err, screen: isTerminal(w.Err), now: w.Now, began: now, last: now}
}

// pages shows how many pages of a file are copied.
func (p *copyProgress) pages(done, all int) {
	if all == 0 || !p.due() && done < all {
		return
	}
	share := done * barWidth / all
	text := fmt.Sprintf("copying [%s%s] %3d %%", strings.Repeat("#", share), strings.Repeat("-", barWidth-share),
		done*100/all)
	if took := p.now().Sub(p.began); done > 0 && done < all {
		left := time.Duration(int64(took) / int64(done) * int64(all-done))
		text += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	p.show(text)
}

// rows shows how many rows of a table are copied.
func (p *copyProgress) rows(table string, rows int64) {
	if p.due() {
		p.show(fmt.Sprintf("copying %s: %d rows", table, rows))
	}
}

// due reports whether it is time to show something again.
func (p *copyProgress) due() bool {
	tick := lineTick
	if p.screen {
		tick = screenTick
	}
	now := p.now()
	if now.Sub(p.last) < tick {
		return false
	}
	p.last = now
	return true
}

func (p *copyProgress) show(text string) {
	switch {
	case p.screen:
		fmt.Fprint(p.to, eraseLine, text)
	case p.now().Sub(p.began) >= lineTick: // a short copy says nothing
		fmt.Fprintln(p.to, text)
	}
}

// end removes the bar.
func (p *copyProgress) end() {
	if p.screen {
		fmt.Fprint(p.to, eraseLine)
	}
}

// bytesOf is a size in words.
func bytesOf(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	tenths, name := n*10/unit, "kB"
	for _, next := range []string{"MB", "GB", "TB"} {
		if tenths < unit*10 {
			break
		}
		tenths, name = tenths/unit, next
	}
	return fmt.Sprintf("%d.%d %s", tenths/10, tenths%10, name)
}
