package main

import (
	"image/color"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// A chart shows the figures with the same unit.
type chart struct{ title, file, unit, axis string }

var (
	measuredColor  = color.RGBA{R: 0x1f, G: 0x6f, B: 0x78, A: 0xff}
	yardstickColor = color.RGBA{R: 0xc8, G: 0xc2, B: 0xb4, A: 0xff}
)

// drawCharts draws each figure next to its yardstick: the median of the runs, and
// their range.
func drawCharts(dir string, lines []line) (charts []chart, err error) {
	for _, c := range []chart{
		{"Requests a second, with their yardsticks", "rates.svg", "/s", "requests a second"},
		{"Latencies, with their yardsticks", "latencies.svg", "ms", "milliseconds"},
	} {
		var drawn []line
		for _, l := range lines {
			if l.unit == c.unit && l.compared {
				drawn = append(drawn, l)
			}
		}
		if len(drawn) == 0 {
			continue
		}
		if err := c.draw(dir, drawn); err != nil {
			return nil, err
		}
		charts = append(charts, c)
	}
	return charts, nil
}

const (
	pairHeight = 1.7 * vg.Centimeter
	barHeight  = 0.5 * vg.Centimeter
	chartWidth = 24 * vg.Centimeter
	// frameHeight is the height of the title and the axis.
	frameHeight = 2.2 * vg.Centimeter
)

// draw draws two bars for each line, one below the other, with whiskers from the
// lowest run to the highest.
func (c chart) draw(dir string, lines []line) error {
	p := plot.New()
	p.Title.Text = c.title
	p.Title.Padding = vg.Points(10)
	p.X.Label.Text = c.axis
	p.X.Min = 0
	names := make([]string, len(lines))
	var measured, yardsticks []spread
	for i, l := range lines {
		at := len(lines) - 1 - i // the first line is on top
		names[at] = l.title + "\nbeside: " + l.against
	}
	for i := range lines {
		l := lines[len(lines)-1-i]
		measured, yardsticks = append(measured, l.value), append(yardsticks, l.yardstick)
	}
	p.Add(plotter.NewGrid())
	if err := addBars(p, measured, measuredColor, barHeight/2, "Holdfast"); err != nil {
		return err
	}
	if err := addBars(p, yardsticks, yardstickColor, -barHeight/2, "held against"); err != nil {
		return err
	}
	p.NominalY(names...)
	p.Y.Tick.Label.XAlign = text.XRight
	p.Y.Label.Text = " "                             // keeps the longest name away from the edge
	p.Y.Min, p.Y.Max = -0.5, float64(len(lines))+0.3 // room for the legend above
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(3)
	return p.Save(chartWidth, pairHeight*vg.Length(len(lines)+1)+frameHeight, filepath.Join(dir, c.file))
}

func addBars(p *plot.Plot, spreads []spread, fill color.Color, offset vg.Length, name string) error {
	values := make(plotter.Values, len(spreads))
	for i, s := range spreads {
		values[i] = s.median
	}
	bars, err := plotter.NewBarChart(values, barHeight)
	if err != nil {
		return err
	}
	bars.Horizontal, bars.Color, bars.Offset, bars.LineStyle.Width = true, fill, offset, 0
	whiskers, err := plotter.NewXErrorBars(whiskersOf(spreads, float64(offset/pairHeight)))
	if err != nil {
		return err
	}
	p.Add(bars, whiskers)
	p.Legend.Add(name, bars)
	return nil
}

// whiskersOf returns error bars at the centre of their bars.
type whiskerPoints struct {
	plotter.XYs
	plotter.XErrors
}

func whiskersOf(spreads []spread, shift float64) whiskerPoints {
	points := whiskerPoints{make(plotter.XYs, len(spreads)), make(plotter.XErrors, len(spreads))}
	for i, s := range spreads {
		points.XYs[i] = plotter.XY{X: s.median, Y: float64(i) + shift}
		points.XErrors[i].Low, points.XErrors[i].High = s.median-s.min, s.max-s.median
	}
	return points
}
