package postgres

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// StartupLog takes what the postmaster writes before its log collector runs, or all of its log without one.
const StartupLog = "startup.log"

// startupLogLimit: a larger startup.log is put aside (startup.log.old) at the next start.
const startupLogLimit = 16 << 20

// logTailBytes is how much of a log's end is read.
const logTailBytes = 64 << 10

func openStartupLog(pgdata string) (*os.File, error) {
	path := filepath.Join(pgdata, StartupLog)
	if info, err := os.Stat(path); err == nil && info.Size() > startupLogLimit {
		if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// serverLog is the file that the log collector writes, "" without one. Postgres names it in current_logfiles.
func serverLog(pgdata string) string {
	content, err := os.ReadFile(filepath.Join(pgdata, "current_logfiles"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(content)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "stderr "); ok {
			if !filepath.IsAbs(path) {
				path = filepath.Join(pgdata, path)
			}
			return path
		}
	}
	return ""
}

// logMark remembers where the logs end, to show later only what came since.
type logMark struct {
	pgdata  string
	startup int64
	path    string // of the server log
	server  int64
}

func markLogs(pgdata string) logMark {
	path := serverLog(pgdata)
	return logMark{pgdata, fileSize(filepath.Join(pgdata, StartupLog)), path, fileSize(path)}
}

// since returns the last lines of both logs since the mark.
func (m logMark) since(lines int) string {
	startup := filepath.Join(m.pgdata, StartupLog)
	from := m.startup
	if fileSize(startup) < from {
		from = 0 // put aside meanwhile
	}
	text := tail(startup, from, lines)
	if path := serverLog(m.pgdata); path != "" {
		from := int64(0)
		if path == m.path {
			from = m.server
		}
		text += "\n" + tail(path, from, lines)
	}
	return strings.TrimSpace(text)
}

// LogTail is the end of startup.log and of the current server log.
func (s *Server) LogTail(lines int) string {
	return logMark{pgdata: s.PGDATA()}.since(lines)
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// tail returns the last lines of a file from offset from.
func tail(path string, from int64, lines int) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if size := fileSize(path); size-from > logTailBytes {
		from = size - logTailBytes
	}
	content, err := io.ReadAll(io.NewSectionReader(f, from, logTailBytes))
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
