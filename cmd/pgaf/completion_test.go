package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// completionCases are lines as they are typed before the Tab key, with the line
// that it makes of them.
var completionCases = [][2]string{
	{"pgaf perf", "pgaf perform "},
	{"pgaf show stat", "pgaf show state "},
	{"pgaf -q show sys", "pgaf -q show systemd "},
	{"pg_autoctl show ur", "pg_autoctl show uri "},
	{"pgaf show state --form", "pgaf show state --formation "},
	{"pgaf show state --pgdata ./mon", "pgaf show state --pgdata ./monitor/"},
	{"pgaf show state --pgdata=./mon", "pgaf show state --pgdata=./monitor/"},
	{"pgaf show state --monitor postgres://a@h:5432/db --loc", "pgaf show state --monitor postgres://a@h:5432/db --local "},
	{"pgaf create postgres --server-cert ./let", "pgaf create postgres --server-cert ./letter "},
	{"pgaf create postgres --auth scr", "pgaf create postgres --auth scram-sha-256 "},
	{"pgaf create postgres --ssl-mode=verify-f", "pgaf create postgres --ssl-mode=verify-full "},
	{"pgaf create postgres -r t", "pgaf create postgres -r true "},
	{"pgaf create postgres --backup-source st", "pgaf create postgres --backup-source standby "},
	{"pgaf inspect fsm mermaid fail", "pgaf inspect fsm mermaid failover "},
	{"pgaf manual fsm assign wait_p", "pgaf manual fsm assign wait_primary "},
	{"pgaf manual fsm nodes set ./let", "pgaf manual fsm nodes set ./letter "},
	{"pgaf config set --pgdata ./monitor replication.maximum_b", "pgaf config set --pgdata ./monitor replication.maximum_backup_rate "},
	{"pgaf help show standby-n", "pgaf help show standby-names "},
	{"pgaf show state nothing-comes-here", "pgaf show state nothing-comes-here"},
}

// Real shells complete with the script that the program prints.
func TestCompletion(t *testing.T) {
	t.Run("bash", func(t *testing.T) {
		sh := shell(t, "bash", "--norc", "--noprofile", "-i")
		sh.send("bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; " +
			"source <(pgaf completion bash); source <(pg_autoctl completion bash); echo re''ady\n")
		typeCases(t, sh, "")
		// Alt-* inserts every word that is possible.
		sh.send("pgaf inspect fsm mermaid \x1b*")
		wantLine(t, sh, "pgaf inspect fsm mermaid init steady-state failover maintenance removal ")
	})
	t.Run("zsh", func(t *testing.T) {
		sh := shell(t, "zsh", "-f", "-i")
		sh.send("bindkey -e; unset zle_bracketed_paste; setopt no_beep; autoload -Uz compinit; compinit -u -D; " +
			"source <(pgaf completion zsh); source <(pg_autoctl completion zsh); echo re''ady\n")
		typeCases(t, sh, " /") // it takes them back when the next character is typed
		sh.send("pgaf inspect fsm \t")
		sh.await(`list +-- List the states`)
	})
	t.Run("fish", func(t *testing.T) {
		sh := shell(t, "fish", "--no-config", "-i", "-c",
			"pgaf completion fish | source; pg_autoctl completion fish | source; while read -l line; complete -C $line; echo done; end")
		for _, c := range completionCases {
			fishCompletes(t, sh, c[0], c[1])
		}
	})
}

// shell starts a shell in a folder with something to complete.
func shell(t *testing.T, program string, args ...string) *terminal {
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "monitor"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "letter"), []byte("Dear John"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TERM=dumb", "PS1=$ ", "PROMPT=$ ", "INPUTRC=/dev/null", "HISTFILE=", "LC_ALL=C.UTF-8"}
	sh := onTerminal(cmd, t.Fatalf)
	t.Cleanup(sh.close)
	return sh
}

// typeCases types each case and the Tab key in a shell with the keys of Emacs. Of
// the completed line the shell does not keep these characters at the end.
func typeCases(t *testing.T, sh *terminal, dropped string) {
	t.Helper()
	sh.await(`(?m)^ready$`)
	for _, c := range completionCases {
		sh.send(c[0] + "\t")
		wantLine(t, sh, strings.TrimRight(c[1], dropped))
	}
}

// wantLine lets the shell print the line that stands there: "<" goes before it, ">" behind it.
func wantLine(t *testing.T, sh *terminal, want string) {
	t.Helper()
	sh.send("\x01echo \"<\x05>\"\n")
	if got := sh.await(`(?m)^<(.*)>$`)[1]; got != want {
		t.Errorf("completed to %q, want %q", got, want)
	}
}

// fishCompletes asks fish, which completes the last word only.
func fishCompletes(t *testing.T, sh *terminal, line, want string) {
	t.Helper()
	sh.send(line + "\n")
	printed := sh.await(`(?s)(.*\n|^)done\n`)[1]
	typed := line[strings.LastIndex(line, " ")+1:]
	word := strings.TrimSpace(want[strings.LastIndex(strings.TrimSpace(want), " ")+1:])
	if word == typed {
		word = ""
	}
	found := ""
	for _, row := range strings.Split(printed, "\n") {
		if candidate, _, _ := strings.Cut(row, "\t"); candidate != "" && !strings.Contains(row, line) {
			found = candidate
		}
	}
	if found != word {
		t.Errorf("%q completes to %q, want %q; printed:\n%s", line, found, word, printed)
	}
}
