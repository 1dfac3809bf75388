package postgres

import "testing"

func TestServiceOf(t *testing.T) {
	for cgroup, want := range map[string]string{
		"0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n":                            "postgresql@15-main.service",
		"12:cpu:/system.slice/postgresql-15.service\n1:name=systemd:/system.slice/postgresql-15.service\n": "postgresql-15.service",
		"0::/system.slice/pgaf.service\n":                                        "",
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte.scope\n": "",
		"0::/\n": "",
	} {
		if got := serviceIn(cgroup); got != want {
			t.Errorf("%q: %q, want %q", cgroup, got, want)
		}
	}
}

func TestStandaloneConfiguration(t *testing.T) {
	const content = "include 'postgresql-auto-failover.conf' # Auto-generated\nport = 1\n#include 'no'\ninclude_dir = 'conf.d'\ninclude '/abs'\n"
	const want = "\nport = 1\n#include 'no'\ninclude_dir = '/etc/x/conf.d'\ninclude '/abs'\n"
	if got := standalone(content, "/etc/x"); got != want {
		t.Errorf("%q", got)
	}
}
