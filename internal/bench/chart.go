package bench

import (
	"fmt"
	"io"
	"strings"
)

const chartWidth = 48 // characters

// Chart draws a histogram of latencies for a terminal, a bar a line.
func Chart(to io.Writer, histogram []Bar) {
	var most, total int64
	for _, b := range histogram {
		most, total = max(most, b.Count), total+b.Count
	}
	for _, b := range histogram {
		fmt.Fprintf(to, "%9s ms │%-*s %5.1f %%\n", milliseconds(b.To), chartWidth, bar(b.Count, most),
			100*float64(b.Count)/float64(total))
	}
}

// bar is as long as its count is large, in eighths of a character. What is not
// nothing is to be seen.
func bar(count, most int64) string {
	const eighths = 8
	parts := []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}
	length := int(count * chartWidth * eighths / max(most, 1))
	if count > 0 && length == 0 {
		length = 1
	}
	return strings.Repeat("█", length/eighths) + parts[length%eighths]
}

// milliseconds has three significant digits.
func milliseconds(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}
