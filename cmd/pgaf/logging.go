package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// Levels beside those of slog. A hint follows an error and is shown whenever
// the error is.
const (
	levelTrace = slog.LevelDebug - 4
	levelHint  = slog.LevelError + 1
)

// verbosity is what -v and -q ask for.
type verbosity struct {
	verbose int // number of -v: 1 info, 2 debug, 3 trace
	quiet   bool
}

// level maps -v and -q to the least level that is logged.
func (v verbosity) level() slog.Level {
	switch {
	case v.quiet:
		return slog.LevelError
	case v.verbose >= 3:
		return levelTrace
	case v.verbose == 2:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// newLogger logs lines of the form "HH:MM:SS pid LEVEL message" to w, coloured
// on a terminal only; -vv and more add the place in the source.
func newLogger(w io.Writer, v verbosity, json bool) *slog.Logger {
	addSource := v.verbose >= 2
	if json {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
			Level:       v.level(),
			AddSource:   addSource,
			ReplaceAttr: nameLevel,
		}))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level:       v.level(),
		AddSource:   addSource,
		TimeFormat:  "15:04:05",
		NoColor:     !isTerminal(w),
		ReplaceAttr: labelLevel,
	}))
}

// nameLevel gives our own levels their names in JSON.
func nameLevel(groups []string, a slog.Attr) slog.Attr {
	if level, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey && len(groups) == 0 {
		return slog.String(a.Key, levelName(level))
	}
	return a
}

// labelLevel writes the level as "pid LEVEL", in the colour of its level.
func labelLevel(groups []string, a slog.Attr) slog.Attr {
	level, ok := a.Value.Any().(slog.Level)
	if !ok || a.Key != slog.LevelKey || len(groups) > 0 {
		return a
	}
	return tint.Attr(levelColor(level), slog.String(a.Key, fmt.Sprintf("%d %-5s", os.Getpid(), levelName(level))))
}

func levelName(level slog.Level) string {
	switch {
	case level == levelHint:
		return "HINT"
	case level >= slog.LevelError:
		return "ERROR"
	case level >= slog.LevelWarn:
		return "WARN"
	case level >= slog.LevelInfo:
		return "INFO"
	case level >= slog.LevelDebug:
		return "DEBUG"
	}
	return "TRACE"
}

// levelColor is an ANSI colour: 1 red, 2 green, 3 yellow, 6 cyan, 8 grey.
func levelColor(level slog.Level) uint8 {
	switch {
	case level == levelHint:
		return 6
	case level >= slog.LevelError:
		return 1
	case level >= slog.LevelWarn:
		return 3
	case level >= slog.LevelInfo:
		return 2
	}
	return 8
}

// isTerminal reports whether w is a terminal that shows colours.
func isTerminal(w io.Writer) bool {
	return movesCursor(w) && os.Getenv("NO_COLOR") == ""
}

// movesCursor reports whether w is a terminal on which a line can be drawn anew.
func movesCursor(w io.Writer) bool {
	if b, ok := w.(*bar); ok {
		w = b.w
	}
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}
