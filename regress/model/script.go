package model

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// A script is a run in a file of testdata: a line about the group, then a step on each
// line. What stands behind # is for people.

// ReadScript reads a script.
func ReadScript(path string) (c Config, steps []Step, err error) {
	file, err := os.Open(path)
	if err != nil {
		return c, nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		text = strings.TrimSpace(text)
		switch {
		case text == "":
		case c.Nodes == 0:
			if c, err = parseConfig(text); err != nil {
				return c, nil, fmt.Errorf("%s:%d: %w", path, number, err)
			}
		default:
			// several steps may share a line
			for part := range strings.SplitSeq(text, ";") {
				s, err := ParseStep(strings.TrimSpace(part))
				if err != nil {
					return c, nil, fmt.Errorf("%s:%d: %w", path, number, err)
				}
				steps = append(steps, s)
			}
		}
	}
	return c, steps, lines.Err()
}

// parseConfig reads what Config.String writes.
func parseConfig(text string) (c Config, err error) {
	parts := strings.Split(text, "; ")
	if _, err := fmt.Sscanf(parts[0], "%d nodes, number_sync_standbys %d", &c.Nodes, &c.NumberSync); err != nil {
		return c, fmt.Errorf("%q says nothing about the group: %w", parts[0], err)
	}
	for i := range c.Nodes {
		priority, quorum := 50, true
		for _, part := range parts[1:] {
			var node, p int
			if n, _ := fmt.Sscanf(part, "node %d priority %d", &node, &p); n == 2 && node == i+1 {
				priority, quorum = p, !strings.HasSuffix(part, " not in the quorum")
			}
		}
		c.Priority = append(c.Priority, priority)
		c.Quorum = append(c.Quorum, quorum)
	}
	return c, nil
}

// Script is a run as a file of testdata.
func (r *Run) Script() string {
	var b strings.Builder
	if r.Violation != nil {
		fmt.Fprintf(&b, "# %v\n", r.Violation)
	}
	fmt.Fprintf(&b, "%s\n", r.Config)
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "%s\n", s)
	}
	return b.String()
}
