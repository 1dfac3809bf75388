package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"pgaf/keeper"
)

// bar is a terminal whose last line shows how far a copy has come. What else is
// written to it goes above that line.
type bar struct {
	w io.Writer

	mu    sync.Mutex
	line  string    // as it stands on the terminal, "" none
	begun time.Time // of what is shown
	doing string
}

const (
	eraseLine = "\r\x1b[K"
	barWidth  = 24
)

func (b *bar) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line == "" {
		return b.w.Write(p)
	}
	io.WriteString(b.w, eraseLine)
	n, err := b.w.Write(p)
	if strings.HasSuffix(string(p), "\n") {
		io.WriteString(b.w, b.line)
	}
	return n, err
}

// show draws the line anew; the end of the work removes it.
func (b *bar) show(p keeper.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.Ended {
		if b.line != "" {
			io.WriteString(b.w, eraseLine)
		}
		b.line, b.doing = "", ""
		return
	}
	if p.Doing != b.doing {
		b.doing, b.begun = p.Doing, time.Now()
	}
	line := drawBar(p, time.Since(b.begun))
	if columns := columnsOf(b.w); len([]rune(line)) >= columns {
		line = fmt.Sprintf("%s %d %%", p.Doing, p.Percent) // a wrapped line could not be erased
	}
	b.draw(line)
}

// showText makes text the last line; "" removes it. A copy that is shown stays.
func (b *bar) showText(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.doing != "" {
		return
	}
	if runes, columns := []rune(text), columnsOf(b.w); len(runes) >= columns && columns > 1 {
		text = string(runes[:columns-2]) + "…" // a wrapped line could not be erased
	}
	b.draw(text)
}

// draw needs mu.
func (b *bar) draw(line string) {
	if line != b.line {
		b.line = line
		io.WriteString(b.w, eraseLine+line)
	}
}

// drawBar is "copying ██████░░░░░░  42 %  420 of 1000 MB, 12s left".
func drawBar(p keeper.Progress, elapsed time.Duration) string {
	full := max(0, min(barWidth, barWidth*p.Percent/100))
	line := fmt.Sprintf("%s %s%s %3d %%  %d of %d MB", p.Doing, strings.Repeat("█", full), strings.Repeat("░", barWidth-full), p.Percent, p.Done>>20, p.Total>>20)
	// The first seconds tell nothing about the rest.
	if elapsed >= 3*time.Second && p.Done > 0 && p.Done < p.Total {
		left := time.Duration(float64(elapsed) * float64(p.Total-p.Done) / float64(p.Done))
		line += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return line
}

// columnsOf is the width of a terminal.
func columnsOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
			return int(size.Col)
		}
	}
	return 80
}

// progressOn is what shows the progress of a copy on the terminal; nil without one.
func (a *app) progressOn() func(keeper.Progress) {
	if b, ok := a.stderr.(*bar); ok {
		return b.show
	}
	return nil
}
