package tui

import (
	"testing"
	"time"
)

func TestInterval(t *testing.T) {
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0s"},
		{999 * time.Millisecond, "0s"},
		{59 * time.Second, "59s"},
		{83 * time.Second, "1m23s"},
		{59*time.Minute + 59*time.Second, "59m59s"},
		{2*time.Hour + 5*time.Minute, "2h05m"},
		{76 * time.Hour, "3d04h"},
		{99*24*time.Hour + 23*time.Hour, "99d23h"},
		{1000 * 24 * time.Hour, "1000d"},
	} {
		if got := interval(tt.d); got != tt.want || len(got) > 6 {
			t.Errorf("interval(%v) = %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestByteSize(t *testing.T) {
	for _, tt := range []struct {
		n    uint64
		want string
	}{
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 kB"},
		{10 * 1024, "10 kB"},
		{1024*1024 - 1, "1.0 MB"},
		{1000 * 1024, "1000 kB"},
		{16 << 20, "16 MB"},
		{3 << 29, "1.5 GB"},
		{1 << 62, "4096 PB"},
	} {
		if got := byteSize(tt.n); got != tt.want || len(got) > 7 {
			t.Errorf("byteSize(%d) = %q, want %q", tt.n, got, tt.want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"node1":                  "node1",
		"a\nb\tc":                "a b c",
		"\x1b[2Jgone\x1b]0;x\a!": "gone!",
		"naïve – ✓":              "naïve – ✓",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestScrolled(t *testing.T) {
	const text = "0123456789abcdef"
	for _, tt := range []struct {
		offset, width int
		want          string
	}{
		{0, 8, "01234567"},
		{4, 8, " -- 4567"},
		{scrollEnd(len(text), 8), 8, " -- cdef"},
		{20, 8, " -- "},
		{scrollEnd(len(text), 16), 16, text},
	} {
		if got := scrolled(text, tt.offset, tt.width); got != tt.want {
			t.Errorf("scrolled(%d, %d) = %q, want %q", tt.offset, tt.width, got, tt.want)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		left, right string
		width       int
		want        string
	}{
		{"left", "right", 12, "left   right"},
		{"left", "right", 8, "le right"},
		{"left", "right", 6, " right"},
		{"left", "right", 3, "rig"},
	} {
		if got := spread(tt.left, tt.right, tt.width); got != tt.want {
			t.Errorf("spread(%q, %q, %d) = %q, want %q", tt.left, tt.right, tt.width, got, tt.want)
		}
	}
}
