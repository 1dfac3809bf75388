package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// manPages are the man pages by file name: pgaf.1 and one for each command, or
// group of commands, of the first level.
func manPages(root *kong.Node) map[string]string {
	pages := map[string]string{root.Name + ".1": mainPage(root)}
	for _, command := range visible(root) {
		pages[pageName(command)+".1"] = commandPage(command)
	}
	return pages
}

func pageName(command *kong.Node) string { return rootOf(command).Name + "-" + command.Name }

// roff collects the source of one page.
type roff struct{ strings.Builder }

func newPage(name, section1 string) *roff {
	r := &roff{}
	fmt.Fprintf(r, ".TH %s 1 \"\" \"pgaf %s\" \"PostgreSQL high availability\"\n", strings.ToUpper(escapeRoff(name)), version)
	r.section("Name")
	fmt.Fprintf(r, "%s \\- %s\n", escapeRoff(name), escapeRoff(strings.TrimSuffix(section1, ".")))
	return r
}

func (r *roff) section(title string) { fmt.Fprintf(r, ".SH %s\n", strings.ToUpper(title)) }
func (r *roff) text(text string)     { fmt.Fprintf(r, "%s\n", escapeRoff(text)) }
func (r *roff) paragraph(s string)   { fmt.Fprintf(r, ".PP\n%s\n", escapeRoff(s)) }

// term is a word in bold with a text indented below it.
func (r *roff) term(word, text string) {
	fmt.Fprintf(r, ".TP\n.B %s\n%s\n", escapeRoff(word), escapeRoff(text))
}

// literal is text that stays as it is.
func (r *roff) literal(text string) {
	fmt.Fprintf(r, ".PP\n.nf\n.RS 4\n%s\n.RE\n.fi\n", escapeRoff(strings.TrimRight(text, "\n")))
}

// escapeRoff makes text that roff prints as it is: hyphens that can be copied to
// a command line, and no line that begins like a request.
func escapeRoff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "➜", "\\(->").Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

func mainPage(root *kong.Node) string {
	r := newPage(root.Name, root.Help)
	r.section("Synopsis")
	fmt.Fprintf(r, ".B %s\n.I command\n[options]\n", escapeRoff(root.Name))
	r.section("Description")
	r.text("A monitor, any PostgreSQL with the extension pgautofailover, decides; a keeper on each data node, " +
		"the service that \"" + root.Name + " run\" is, does what the monitor decided with its local PostgreSQL. " +
		"Data is printed on stdout; logs, progress and errors on stderr.")
	r.section("Commands")
	for _, command := range visible(root) {
		r.term(fmt.Sprintf("%s(1)", pageName(command)), command.Help)
	}
	r.section("Options")
	r.text("Every command has these options, before or behind its own.")
	for _, t := range everyCommandsOptions(root) {
		r.term(strings.TrimSpace(t.name), t.text())
	}
	r.section("Environment")
	for _, variable := range environment(root) {
		r.term(variable.name, variable.text())
	}
	r.section("Exit status")
	for _, e := range allExits {
		r.term(fmt.Sprint(e.code), sentence(e.when))
	}
	r.section("Files")
	for _, file := range nodeFiles {
		r.term(file.name, file.text())
	}
	seeAlso(r, root, nil)
	return r.String()
}

// nodeFiles are where the files of the node at PGDATA are.
var nodeFiles = []term{
	{name: "$XDG_CONFIG_HOME/pgaf$PGDATA/pgaf.cfg", help: "The configuration of a node (default of the variable: ~/.config)."},
	{name: "$XDG_DATA_HOME/pgaf$PGDATA/pgaf.state", help: "Its state (default of the variable: ~/.local/share)."},
	{name: "$XDG_RUNTIME_DIR/pgaf$PGDATA/pgaf.pid", help: "The pid of its service; below /tmp when there is no such folder."},
}

// commandPage is the page of a command of the first level with all those below it.
func commandPage(command *kong.Node) string {
	leaves := []*kong.Node{command}
	if len(command.Children) > 0 {
		leaves = command.Leaves(true)
	}
	r := newPage(pageName(command), command.Help)
	r.section("Synopsis")
	for i, leaf := range leaves {
		if i > 0 {
			fmt.Fprintln(r, ".br")
		}
		fmt.Fprintf(r, ".B %s\n", escapeRoff(usageLine(leaf)))
	}
	r.section("Description")
	r.text(command.Help)
	for _, leaf := range leaves {
		reference := referenceOf(leaf)
		if leaf != command {
			fmt.Fprintf(r, ".SS %s\n", escapeRoff(reference.usage))
			r.text(reference.help)
		}
		r.reference(reference)
	}
	seeAlso(r, rootOf(command), command)
	return r.String()
}

// reference writes what there is to say about one command below its first sentence.
func (r *roff) reference(ref reference) {
	if ref.detail != "" {
		for _, paragraph := range strings.Split(ref.detail, "\n\n") {
			r.paragraph(strings.ReplaceAll(paragraph, "\n", " "))
		}
	}
	for _, t := range append(slices.Clone(ref.arguments), ref.options...) {
		r.term(strings.TrimSpace(t.name), t.text())
	}
	for i, line := range ref.output.lines(func(s string) string { return s }) {
		if i == 0 && ref.output.text != "" {
			line = "Output: " + line
		}
		r.paragraph(line)
	}
	r.paragraph("Exit codes:")
	for _, e := range ref.exits {
		r.term(fmt.Sprint(e.code), sentence(e.when))
	}
	for _, example := range ref.examples {
		r.paragraph("Example:")
		r.literal(foldCommand(example, ""))
	}
}

func seeAlso(r *roff, root, except *kong.Node) {
	r.section("See also")
	pages := []string{}
	if except != nil {
		pages = append(pages, root.Name+"(1)")
	}
	for _, command := range visible(root) {
		if command != except {
			pages = append(pages, pageName(command)+"(1)")
		}
	}
	r.text(strings.Join(append(pages, "postgres(1)", "pg_basebackup(1)", "pg_rewind(1)"), ", "))
}

// environment are the variables that options take their defaults from, each
// with the options that do.
func environment(root *kong.Node) []term {
	var list []term
	seen := map[string]bool{}
	for _, node := range append(root.Leaves(true), root) {
		for _, flag := range node.Flags {
			for _, name := range flag.Envs {
				if !seen[name] && !flag.Hidden {
					seen[name] = true
					list = append(list, term{name: name, help: "Default of --" + flag.Name + "."})
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b term) int { return strings.Compare(a.name, b.name) })
	return append(list, otherVariables...)
}

// otherVariables are read by the program, but are the default of no option.
var otherVariables = []term{
	{name: "PG_CONFIG", help: "The pg_config that tells where PostgreSQL's programs are."},
	{name: "PGCONNECT_TIMEOUT", help: "How many seconds a connection may take."},
	{name: "PG_AUTOCTL_DEBUG_BIN_PATH", help: "The path of this program in a systemd unit."},
	{name: "XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_RUNTIME_DIR", help: "Where the files of nodes are."},
}

func sentence(text string) string {
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
