package killpoint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What actions call and what changes nothing: no kill point is needed before it. Every other call of the local
// Postgres, of its programs and files, or of the monitor is a step.
var reading = map[string][]string{
	"n.server": {"Status", "Metadata", "Setting", "SyncStandbyNames", "StandbyNodes", "Postmaster", "Recovery", "WaitStreaming", "PreparedTransactions"},
	"n.bin":    {"ControlData", "HasExtension", "HasLibrary"},
	"postgres": {"RewindPending", "HasCluster", "IsStandby", "Identify", "HasSlot", "Compare", "FailureOf", "SlotName", "BackupName", "HBAAddress", "MissingHBA", "LSN", "KeptPath", "LocalHistory", "FreshCopy", "WrittenGroupSettings", "ReservedTimelines", "UpstreamLacks"},
	"c":        {"Primary", "OtherNodes", "PrimaryAndNames", "MostAdvancedStandby", "OtherNodesAssigned"},
	"os":       {"ReadDir", "ReadFile", "Stat"},
}

// steps are calls that change something, beside the methods that are not in reading.
var steps = []string{"n.note", "removeFile", "n.ensureCertificate", "ensureCertificate", "stopQuickly"}

// source is the text of the actions.
type source struct {
	files *token.FileSet
	funcs map[string]*ast.FuncDecl // "node.start", "promote"
}

func parseSource(t *testing.T, folder string) source {
	t.Helper()
	s := source{token.NewFileSet(), map[string]*ast.FuncDecl{}}
	packages, err := parser.ParseDir(s.files, folder, func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		for _, file := range p.Files {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
					s.funcs[receiver(f)+f.Name.Name] = f
				}
			}
		}
	}
	return s
}

// receiver is "node." for a method of node or *node.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	kind := f.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	return kind.(*ast.Ident).Name + "."
}

// text is an expression such as n.server.Stop.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return text(e.X) + "." + e.Sel.Name
	}
	return ""
}

// point is the name of the kill point that a statement is.
func point(s ast.Stmt) string {
	e, ok := s.(*ast.ExprStmt)
	if !ok {
		return ""
	}
	call, ok := e.X.(*ast.CallExpr)
	if !ok || text(call.Fun) != "killpoint.At" {
		return ""
	}
	name, ok := call.Args[1].(*ast.BasicLit)
	if !ok {
		return "?"
	}
	unquoted, _ := strconv.Unquote(name.Value)
	return unquoted
}

// isStep says whether a call changes something.
func isStep(called string) bool {
	if slices.Contains(steps, called) {
		return true
	}
	dot := strings.LastIndexByte(called, '.')
	if dot < 0 {
		return false
	}
	harmless, known := reading[called[:dot]]
	return known && !slices.Contains(harmless, called[dot+1:])
}

// reachable lists the functions of package keeper that the actions lead to.
func (s source) reachable(from []string) []string {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		f := s.funcs[name]
		if f == nil || seen[name] || slices.Contains(steps, strings.Replace(name, "node.", "n.", 1)) {
			return // a step is one step, whatever it consists of
		}
		seen[name] = true
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Obj == nil {
				visit(id.Name) // also one that is passed on
			}
			if call, ok := n.(*ast.SelectorExpr); ok && text(call.X) == "n" {
				visit("node." + call.Sel.Name)
			}
			return true
		})
	}
	for _, name := range from {
		visit(name)
	}
	return slices.Sorted(maps.Keys(seen))
}

// actionFunctions reads the table of actions.
func (s source) actionFunctions(t *testing.T) []string {
	t.Helper()
	parsed, err := parser.ParseFile(s.files, filepath.Join("..", "actions.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		if key, ok := pair.Key.(*ast.BasicLit); ok && key.Kind == token.STRING {
			names = append(names, text(pair.Value))
		}
		return true
	})
	return names
}

// missing finds the steps without a point right before them, and all points.
func (s source) missing(f *ast.FuncDecl) (steps []string, points []string) {
	var block func([]ast.Stmt)
	inspect := func(stmt ast.Stmt, before string) {
		ast.Inspect(stmt, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BlockStmt:
				block(n.List)
				return false
			case *ast.CaseClause:
				block(n.Body)
				return false
			case *ast.CommClause:
				block(n.Body)
				return false
			case *ast.CallExpr:
				if called := text(n.Fun); isStep(called) && before == "" {
					steps = append(steps, fmt.Sprintf("%s: %s in %s", s.files.Position(stmt.Pos()), called, f.Name.Name))
				}
			}
			return true
		})
	}
	block = func(list []ast.Stmt) {
		before := ""
		for _, stmt := range list {
			name := point(stmt)
			if name != "" {
				points = append(points, name)
			} else {
				inspect(stmt, before)
			}
			before = name
		}
	}
	block(f.Body.List)
	return steps, points
}

// Every step of an action has a kill point before it, and points.txt is the list of them all, which the
// cluster test works off. PGAF_UPDATE=1 writes it.
func TestEveryStepHasAKillPoint(t *testing.T) {
	s := parseSource(t, "..")
	actions := s.actionFunctions(t)
	if len(actions) < 25 {
		t.Fatalf("found only %d actions: %v", len(actions), actions)
	}
	var list []string
	for _, name := range s.reachable(append(actions, "node.ensureSlots", "node.allowAll")) {
		missing, points := s.missing(s.funcs[name])
		for _, step := range missing {
			t.Errorf("no kill point right before the step at %s", step)
		}
		list = append(list, points...)
	}
	p := parseSource(t, filepath.Join("..", "postgres"))
	for _, name := range slices.Sorted(maps.Keys(p.funcs)) {
		_, points := p.missing(p.funcs[name])
		list = append(list, points...)
	}
	slices.Sort(list)
	for i := 1; i < len(list); i++ {
		if list[i] == list[i-1] {
			t.Errorf("two kill points are called %s", list[i])
		}
	}
	const file = "points.txt"
	content := strings.Join(list, "\n") + "\n"
	if os.Getenv("PGAF_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), content); diff != "" {
		t.Errorf("the list of kill points differs from the source (PGAF_UPDATE=1 writes it; -list +source):\n%s", diff)
	}
}
