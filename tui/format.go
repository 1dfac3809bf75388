package tui

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// interval prints a duration with its two largest units in at most six
// characters: 7s, 1m23s, 2h05m, 3d04h. Negative durations count as zero.
func interval(d time.Duration) string {
	d = max(d, 0)
	days := int(d / (24 * time.Hour))
	hours := int(d/time.Hour) % 24
	minutes := int(d/time.Minute) % 60
	seconds := int(d/time.Second) % 60
	switch {
	case days >= 100:
		return fmt.Sprintf("%dd", days)
	case days > 0:
		return fmt.Sprintf("%dd%02dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh%02dm", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%dm%02ds", minutes, seconds)
	}
	return fmt.Sprintf("%ds", seconds)
}

// byteSize prints a number of bytes in at most seven characters, in the units
// that Postgres uses (1 kB = 1024 bytes).
func byteSize(n uint64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1024, "kB"
	for _, larger := range []string{"MB", "GB", "TB", "PB"} {
		if value < 1023.5 {
			break
		}
		value, unit = value/1024, larger
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f %s", value, unit)
	}
	return fmt.Sprintf("%.0f %s", value, unit)
}

// clean makes text from the network safe to draw on one line: escape sequences
// are removed, and control characters become spaces.
func clean(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, ansi.Strip(s))
}

// scrollMark says that text is hidden on its left.
const scrollMark = " -- "

// scrolled returns the part of s that is visible in a window of the given
// width after scrolling right by offset cells.
func scrolled(s string, offset, width int) string {
	if offset <= 0 {
		return ansi.Truncate(s, width, "")
	}
	return ansi.Truncate(scrollMark+ansi.Cut(s, offset, max(offset, ansi.StringWidth(s))), width, "")
}

// scrollEnd is the offset that shows the end of a text of the given length.
func scrollEnd(length, width int) int {
	if length <= width {
		return 0
	}
	return length + len(scrollMark) - width
}

// fill pads s with spaces to exactly width cells, cutting what is longer.
func fill(s string, width int) string {
	s = ansi.Truncate(s, width, "")
	return s + strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
}

// spread puts left and right at the two ends of a line of the given width;
// left gives way when both do not fit.
func spread(left, right string, width int) string {
	right = ansi.Truncate(right, width, "")
	room := width - ansi.StringWidth(right)
	if room < 2 {
		return strings.Repeat(" ", max(0, room)) + right
	}
	return fill(left, room-1) + " " + right
}
