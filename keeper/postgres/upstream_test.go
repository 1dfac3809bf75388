package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"
)

func TestConninfo(t *testing.T) {
	u := Upstream{
		Host: "10.0.0.1", Port: 5433, User: "pgautofailover_replicator", Password: `it's \ secret`, Database: "app db",
		ApplicationName: "pgautofailover_standby_1", Slot: "pgautofailover_standby_1",
		SSLMode: "verify-ca", SSLRootCert: "/etc/ca.pem", SSLCRL: "/etc/crl.pem",
	}
	want := `application_name=pgautofailover_standby_1 host=10.0.0.1 port=5433 user=pgautofailover_replicator` +
		` dbname='app db' password='it\'s \\ secret' sslmode=verify-ca sslrootcert=/etc/ca.pem sslcrl=/etc/crl.pem connect_timeout=5`
	if got := u.Conninfo(); got != want {
		t.Errorf("conninfo\n%s\n%s", got, want)
	}
	if got := (Upstream{Slot: "x"}).Conninfo(); got != "" {
		t.Errorf("conninfo of nobody: %s", got)
	}
	for _, c := range []struct {
		u    Upstream
		want string
	}{
		{u, "10.0.0.1:5433"}, {Upstream{Host: "::1", Port: 1}, "[::1]:1"}, {Upstream{Host: "/run", Port: 1}, "/run:1"}, {Upstream{}, "nobody"},
	} {
		if got := c.u.String(); got != c.want {
			t.Errorf("%s instead of %s", got, c.want)
		}
	}
	settings := "# Written by pgaf; changes are overwritten.\n" +
		`primary_conninfo = 'host=h password=''a\\''b'''` + "\n" + "primary_slot_name = 's'\nrecovery_target_timeline = 'latest'\n"
	if got := standbySettings(Upstream{Host: "h", Password: "a'b", Slot: "s"}); got != replaceTimeout(settings) {
		t.Errorf("standby settings\n%s\n%s", got, replaceTimeout(settings))
	}
	nobody := "# Written by pgaf; changes are overwritten.\nprimary_conninfo = ''\nprimary_slot_name = ''\nrecovery_target_timeline = 'latest'\n"
	if got := standbySettings(Upstream{Slot: "s"}); got != nobody {
		t.Errorf("standby settings of nobody\n%s", got)
	}
}

// replaceTimeout adds what every conninfo ends with.
func replaceTimeout(settings string) string {
	const mark = "'''\n"
	at := len("# Written by pgaf; changes are overwritten.\nprimary_conninfo = 'host=h password=''a\\\\''b")
	return settings[:at] + "'' connect_timeout=5'\n" + settings[at+len(mark):]
}

// What is quoted comes back, whatever it is.
func TestConninfoQuoting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[^\x00]{1,20}`)
		u := Upstream{Host: "h", Port: 1, User: text.Draw(t, "user"), Password: text.Draw(t, "password"), Database: text.Draw(t, "database")}
		config, err := pgconn.ParseConfig(u.pairs().String())
		if err != nil {
			t.Fatal(err)
		}
		if config.User != u.User || config.Password != u.Password || config.Database != u.Database {
			t.Fatalf("%q became %q, %q, %q", u.pairs().String(), config.User, config.Password, config.Database)
		}
	})
}
