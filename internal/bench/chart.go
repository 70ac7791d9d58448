package bench

import (
	"fmt"
	"io"
	"strings"
)

const chartWidth = 48 // characters

// Chart draws a histogram of latencies for a terminal, one bar in each line.
func Chart(to io.Writer, histogram []Bar) {
	var largest, total int64
	for _, b := range histogram {
		largest, total = max(largest, b.Count), total+b.Count
	}
	for _, b := range histogram {
		fmt.Fprintf(to, "%9s ms │%-*s %5.1f %%\n", milliseconds(b.To), chartWidth, bar(b.Count, largest),
			100*float64(b.Count)/float64(total))
	}
}

// bar draws a bar in proportion to its count, in eighths of a character. A
// count above zero is always visible.
func bar(count, largest int64) string {
	const eighths = 8
	parts := []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}
	length := int(count * chartWidth * eighths / max(largest, 1))
	if count > 0 && length == 0 {
		length = 1
	}
	return strings.Repeat("█", length/eighths) + parts[length%eighths]
}

// milliseconds writes three significant digits.
func milliseconds(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}
