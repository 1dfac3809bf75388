package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

// app is what every command's Run receives besides its own options.
type app struct {
	name   string // as the program was called: pgaf or pg_autoctl
	stdout io.Writer
	stderr io.Writer
	log    *slog.Logger
	parser *kong.Kong

	logOptions []string // those of the command line, for a program that replaces this one

	// given holds the long names of the options that were on the command line
	// (not those that came from the environment or a default).
	given map[string]bool
}

// run is the whole program: it parses, runs one command, prints its error and
// returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	if movesCursor(stderr) {
		stderr = &bar{w: stderr}
	}
	a := &app{
		name:   programName(args[0]),
		stdout: stdout,
		stderr: stderr,
		given:  map[string]bool{},
	}
	a.log = newLogger(stderr, verbosity{}, false)

	var tree cli
	exited := -1
	parser, err := newParser(a, &tree, func(code int) { exited = code })
	if err != nil {
		return a.fail(err)
	}
	a.parser = parser
	ignoreEmptyVariables(parser.Model.Node)

	kctx, err := parser.Parse(args[1:])
	if exited >= 0 { // --help and --version have printed already
		return exited
	}
	if err != nil {
		return a.fail(err)
	}
	for _, p := range kctx.Path {
		if p.Flag != nil && !p.Resolved {
			a.given[p.Flag.Name] = true
		}
	}

	a.log = newLogger(stderr, tree.verbosity(), tree.LogFormat == "json")
	a.logOptions = tree.logOptions()
	slog.SetDefault(a.log)
	actForOwner(kctx)

	if err := kctx.Run(a); err != nil {
		return a.fail(err)
	}
	return exitOK
}

// programName is the name in help and messages: the one the user typed.
func programName(arg0 string) string {
	name := filepath.Base(arg0)
	if name == "pg_autoctl" {
		return name
	}
	return "pgaf"
}

// newParser builds the kong parser over tree. Help is printed on stderr, as
// pg_autoctl does: stdout is for data.
func newParser(a *app, tree *cli, exit func(int)) (*kong.Kong, error) {
	parser, err := kong.New(tree,
		kong.Name(a.name),
		kong.Description("Automated failover for PostgreSQL: one monitor decides, one keeper per node acts."),
		kong.Vars{"prog": a.name},
		kong.Writers(a.stderr, a.stderr),
		kong.Exit(exit),
		kong.Help(printHelp),
		kong.Bind(a),
	)
	if err != nil {
		return nil, err
	}
	parser.Model.HelpFlag.Help = "Print this help and exit."
	return parser, nil
}

// interruptible returns a context that ends when the user interrupts the
// command (or a service manager terminates it).
func (a *app) interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// ignoreEmptyVariables treats an environment variable that is set to nothing as
// one that is not set, as libpq does.
func ignoreEmptyVariables(node *kong.Node) {
	for _, flag := range node.Flags {
		for _, name := range flag.Envs {
			if os.Getenv(name) == "" {
				os.Unsetenv(name)
			}
		}
	}
	for _, child := range node.Children {
		ignoreEmptyVariables(child)
	}
}
