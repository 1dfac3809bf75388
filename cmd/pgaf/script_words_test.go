package main

import (
	"slices"
	"strings"
	"testing"
)

// scriptWords cuts a line as testscript does: ' quotes, and ” in quotes is one.
func scriptWords(line string) []string {
	var words []string
	var word strings.Builder
	quoted, started := false, false
	for i := 0; i < len(line); i++ {
		ch := line[i]
		switch {
		case ch == '\'' && quoted && i+1 < len(line) && line[i+1] == '\'':
			word.WriteByte(ch)
			i++
		case ch == '\'':
			quoted, started = !quoted, true
		case !quoted && ch == '#' && !started:
			return words
		case !quoted && (ch == ' ' || ch == '\t'):
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteByte(ch)
			started = true
		}
	}
	if started {
		words = append(words, word.String())
	}
	return words
}

func TestScriptWords(t *testing.T) {
	for line, want := range map[string][]string{
		"pgaf show  state # now":  {"pgaf", "show", "state"},
		"stdout '^a b''c'$X":      {"stdout", "^a b'c$X"},
		"exec pgaf run -D '' &a&": {"exec", "pgaf", "run", "-D", "", "&a&"},
	} {
		if got := scriptWords(line); !slices.Equal(got, want) {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}
