package sql

import (
	"embed"
	"strings"
)

//go:embed upgrade/*.sql
var updates embed.FS

// Updates returns the scripts that bring other versions of the extension to this one,
// by file name. As in make, the whole script stands after the line that is marked for it.
func Updates() map[string]string {
	const marker = "\n-- @script@"
	scripts := map[string]string{}
	entries, err := updates.ReadDir("upgrade")
	if err != nil {
		panic("sql: embedded files: " + err.Error()) // cannot happen: the directory is in the binary
	}
	for _, entry := range entries {
		text, err := updates.ReadFile("upgrade/" + entry.Name())
		if err != nil {
			panic("sql: embedded file " + entry.Name() + ": " + err.Error())
		}
		before, rest, _ := strings.Cut(string(text), marker)
		comment, after, _ := strings.Cut(rest, "\n")
		scripts[entry.Name()] = before + marker + comment + "\n" + Script() + after
	}
	return scripts
}
