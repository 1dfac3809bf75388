package keeper

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// The format of the configuration file.

// ErrUnrecognised is wrapped by the error of a file that is no configuration of a node.
var ErrUnrecognised = errors.New("this is no configuration of a node")

// UnknownKey is a line of a configuration file that means nothing.
type UnknownKey struct{ Key, Nearest string }

// UnknownKeys lists what the configuration file of a node has and nobody reads: typing errors, most often. Such lines are
// lost when the file is written.
func UnknownKeys(pgdata string) ([]UnknownKey, error) {
	paths, err := PathsOf(pgdata)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(paths.Config)
	if err != nil {
		return nil, exitf(ExitBadConfig, "read the configuration: %w", err)
	}
	values, err := parseINI(string(content))
	if err != nil {
		return nil, exitf(ExitBadConfig, "configuration file %s: %w", paths.Config, err)
	}
	role := Role(values[roleSection+".role"])
	var unknown []UnknownKey
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !known(key) {
			unknown = append(unknown, UnknownKey{key, nearestKey(role, key)})
		}
	}
	return unknown, nil
}

// known says whether some setting, of either role, is written like this.
func known(key string) bool {
	return slices.ContainsFunc(settings, func(s setting) bool {
		return key == s.Name() || slices.ContainsFunc(s.legacy, func(old string) bool { return key == s.section+"."+old })
	})
}

func parseConfig(content []byte) (*Config, error) {
	values, err := parseINI(string(content))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnrecognised, err)
	}
	role := Role(values[roleSection+".role"])
	if role != RoleKeeper && role != RoleMonitor {
		return nil, fmt.Errorf("%w: %s.role is %q, expected keeper or monitor", ErrUnrecognised, roleSection, role)
	}
	c := NewConfig(role)
	for _, s := range settings {
		if !s.roles.has(role) {
			continue
		}
		value, found := s.lookup(values)
		if !found {
			if s.required {
				return nil, fmt.Errorf("%s is missing", s.Name())
			}
			continue
		}
		if err := s.set(c, value); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name(), err)
		}
	}
	return c, nil
}

func (s setting) lookup(values map[string]string) (value string, found bool) {
	for _, key := range append([]string{s.key}, s.legacy...) {
		if value, found = values[s.section+"."+key]; found {
			return value, true
		}
	}
	return "", false
}

// parseINI reads "section.key" values. A value is the rest of its line, whatever is
// in it: passwords and connection strings have '#', ';', '%', quotes and '='. That is
// what the file has always been for pg_autoctl; INI libraries know escapes and
// comments within a line, which would change such values.
func parseINI(content string) (map[string]string, error) {
	values := map[string]string{}
	section, number := "", 0
	for line := range strings.Lines(content) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && line[len(line)-1] == ']':
			section = strings.TrimSpace(line[1 : len(line)-1])
		default:
			key, value, found := strings.Cut(line, "=")
			if !found {
				return nil, fmt.Errorf("line %d, %q, is neither a [section] nor a key = value", number, line)
			}
			values[section+"."+strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return values, nil
}

// INI is the content of the configuration file. Settings that are empty strings
// are left out.
func (c *Config) INI() []byte {
	var b bytes.Buffer
	for i, section := range c.Sections() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[%s]\n", section.Name)
		for _, option := range section.Options {
			if option.Value != "" {
				fmt.Fprintf(&b, "%s = %s\n", option.Name, option.Value)
			}
		}
	}
	return b.Bytes()
}
