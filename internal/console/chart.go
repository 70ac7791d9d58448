package console

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A chart has a bar for each day. It is drawn by the server, and needs no script.
type chart struct {
	Label    string // says in words what the chart shows
	Bars     []bar
	From, To string // the first and the last day
	Most     string // what the highest bar is
	// Total is the sum of all days, and Last the figure of the last one.
	Total, Last string
}

// The size of a chart in its own units. Its width is scaled to the block's.
const (
	chartWidth  = 600
	chartFloor  = 96
	chartHeight = 97
	chartGap    = 4 // between two bars
)

// Height is the height of the drawing.
func (c chart) Height() int { return chartHeight }

// Floor is where the bars stand.
func (c chart) Floor() int { return chartFloor }

// A bar is the figure of one day.
type bar struct {
	Title               string // the day with its figure, for a mouse
	X, Y, Width, Height int
	Slot                int // the width including the gap
	Tone                tone
}

// A day is a figure for a chart.
type day struct {
	At    time.Time
	Value int64
}

// drawChart makes a chart of days. say formats a figure. A figure below zero has no
// bar.
func drawChart(w webui.Words, label string, t tone, days []day, say func(int64) string) *chart {
	var most, total int64
	for _, d := range days {
		most, total = max(most, d.Value), total+d.Value
	}
	c := &chart{
		Label: label + ": " + say(total), From: w.Date(days[0].At), To: w.Date(days[len(days)-1].At),
		Most: w.T("console.chart.most", "Value", say(most)), Total: say(total), Last: say(days[len(days)-1].Value),
	}
	slot := chartWidth / len(days)
	for i, d := range days {
		b := bar{Title: w.Date(d.At) + ": " + say(d.Value), X: i * slot, Slot: slot, Width: slot - chartGap, Tone: t}
		if d.Value > 0 {
			b.Height = max(int(d.Value*chartFloor/most), 1)
		}
		b.Y = chartFloor - b.Height
		c.Bars = append(c.Bars, b)
	}
	return c
}
