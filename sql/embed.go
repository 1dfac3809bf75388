// Package sql holds the source of the monitor's extension, one file per
// subject in load order, and nothing else. The same text is the extension
// script (pgautofailover--<version>.sql, joined by make) and the script that a
// client runs on a server where no file may be written.
package sql

import (
	"embed"
	"strings"
)

// Version of the objects that Script creates; the same value is
// default_version in pgautofailover.control and the answer of
// pgautofailover.extension_version().
const Version = "3.0"

//go:embed *.sql
var files embed.FS

// Script returns the complete extension script: all files in the order of
// their names. It may run in a CREATE EXTENSION or by itself, in one
// transaction.
func Script() string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("sql: embedded files: " + err.Error()) // cannot happen: the directory is in the binary
	}
	var script strings.Builder
	for _, entry := range entries { // ReadDir sorts by name
		text, err := files.ReadFile(entry.Name())
		if err != nil {
			panic("sql: embedded file " + entry.Name() + ": " + err.Error())
		}
		script.Write(text)
		if len(text) > 0 && text[len(text)-1] != '\n' {
			script.WriteByte('\n')
		}
	}
	return script.String()
}
