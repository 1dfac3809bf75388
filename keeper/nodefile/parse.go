package nodefile

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"pgaf/keeper"
)

// Problem is one mistake in a file. Line 0 is the file as a whole.
type Problem struct {
	Line int
	Text string
}

// InvalidError has everything that is wrong with a file.
type InvalidError struct {
	Path     string
	Problems []Problem
}

// Lines are the problems as compilers print them.
func (e *InvalidError) Lines() []string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s:%d: %s", e.Path, p.Line, p.Text)
		if p.Line == 0 {
			lines[i] = fmt.Sprintf("%s: %s", e.Path, p.Text)
		}
	}
	return lines
}

func (e *InvalidError) Error() string { return strings.Join(e.Lines(), "\n") }

// Read reads and checks the file at path. The error of a file that is not valid is, or
// wraps, an *InvalidError.
func Read(path string) (*File, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &keeper.ExitError{Code: keeper.ExitBadArgs, Err: fmt.Errorf("there is no file %s; name the node file as argument", path)}
	}
	if err != nil {
		return nil, &keeper.ExitError{Code: keeper.ExitBadConfig, Err: fmt.Errorf("read the node file: %w", err)}
	}
	f, problems := parse(path, string(content))
	if len(problems) == 0 {
		problems = f.check()
	}
	if len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, &keeper.ExitError{Code: keeper.ExitBadConfig, Err: &InvalidError{Path: path, Problems: problems}}
	}
	return f, nil
}

// parser reads line by line and goes on after a mistake.
type parser struct {
	file      *File
	line      int
	section   string
	formation *Formation // of a section [formation NAME]
	skip      bool       // the section is unknown: so are its keys
	problems  []Problem
}

func parse(path, content string) (*File, []Problem) {
	p := &parser{file: defaults(path)}
	for line := range strings.Lines(content) {
		p.line++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && line[len(line)-1] == ']':
			p.closeFormation()
			p.openSection(strings.TrimSpace(line[1 : len(line)-1]))
		default:
			name, value, found := strings.Cut(line, "=")
			if !found {
				p.complain("%q is neither a [section] nor a key = value", line)
				continue
			}
			p.setKey(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	p.closeFormation()
	return p.file, p.problems
}

func (p *parser) complain(format string, args ...any) {
	p.problems = append(p.problems, Problem{p.line, fmt.Sprintf(format, args...)})
}

func (p *parser) openSection(name string) {
	p.section, p.skip = name, false
	if kind, formation, found := strings.Cut(name, " "); found && kind == "formation" {
		p.formation = &Formation{Name: strings.TrimSpace(formation), Kind: "pgsql", Secondary: true, lines: map[string]int{"": p.line}}
		return
	}
	var sections []string
	for _, k := range keys {
		sections = append(sections, k.section)
	}
	if p.skip = !slices.Contains(sections, name); p.skip {
		p.complain("there is no section [%s]%s", name, didYouMean(name, append(sections, "formation NAME")))
	}
}

func (p *parser) closeFormation() {
	if p.formation != nil {
		p.file.Formations = append(p.file.Formations, *p.formation)
		p.formation = nil
	}
}

func (p *parser) setKey(name, value string) {
	switch {
	case p.skip:
	case p.section == "":
		p.complain("%s stands before any [section]", name)
	case p.formation != nil:
		if !slices.Contains(formationKeys, name) {
			p.complain("a formation has no %s%s", name, didYouMean(name, formationKeys))
			return
		}
		p.take(p.formation.lines, name, p.formation.set(name, value))
	default:
		p.setFileKey(name, value)
	}
}

func (p *parser) setFileKey(name, value string) {
	var names []string
	for _, k := range keys {
		if k.section == p.section && k.name == name {
			p.take(p.file.lines, k.Name(), k.set(p.file, value))
			return
		}
		names = append(names, k.Name())
	}
	p.complain("there is no key %s.%s%s", p.section, name, didYouMean(p.section+"."+name, names))
}

// take notes the line of a key, whose value was read with err.
func (p *parser) take(lines map[string]int, name string, err error) {
	if before := lines[name]; before > 0 {
		p.complain("%s is set twice, first in line %d", name, before)
		return
	}
	lines[name] = p.line
	if err != nil {
		p.complain("%s: %v", name, err)
	}
}

func didYouMean(word string, known []string) string {
	nearest := keeper.Nearest(word, known)
	if nearest == "" {
		return ""
	}
	return "; did you mean " + nearest + "?"
}
