package monitor

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"pgaf/sql"
)

func TestControlFileIsTheOneOfTheRepository(t *testing.T) {
	text, err := os.ReadFile("../pgautofailover.control")
	if err != nil || string(text) != ControlFile {
		t.Errorf("%v\n%s\n%s", err, text, ControlFile)
	}
}

func install(t *testing.T, conn *pgx.Conn, opts InstallOptions) (log *logLines, err error) {
	t.Helper()
	log = newLogLines()
	opts.Logger = slog.New(log)
	return log, Install(t.Context(), conn, opts)
}

func TestInstallWithoutFiles(t *testing.T) {
	s := sharedServer(t)
	uri, database := s.newMonitor(t)
	c := open(t, uri)
	if v, err := c.Version(t.Context()); err != nil || v != RequiredVersion() {
		t.Fatalf("version %q, %v", v, err)
	}
	if err := c.CheckVersion(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := s.connect(t, database)
	log, err := install(t, conn, InstallOptions{NoFiles: true})
	if err != nil || log.all() != "" {
		t.Errorf("a second time: %v\n%s", err, log.all())
	}
	if n := extensions(t, conn); n != 0 {
		t.Errorf("%d extensions", n)
	}
}

// A managed server: its owner of databases is no superuser.
func TestInstallAsOrdinaryRole(t *testing.T) {
	s := sharedServer(t)
	s.newMonitor(t) // makes the roles
	s.exec(t, "postgres", "CREATE ROLE tenant LOGIN CREATEROLE", "CREATE DATABASE tenant OWNER tenant")
	conn, err := pgx.Connect(t.Context(), s.uri("tenant", "tenant"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := install(t, conn, InstallOptions{}); err != nil {
		t.Fatal(err)
	}
	c := open(t, s.uri("autoctl_node", "tenant"))
	twoNodes(t, c, "default", 5001)
}

func TestInstallIsUndoneWhenItFails(t *testing.T) {
	s := sharedServer(t)
	s.exec(t, "postgres", "CREATE DATABASE broken")
	s.exec(t, "broken", `CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'forbidden'; END $$`,
		`CREATE EVENT TRIGGER forbid ON ddl_command_start WHEN tag IN ('GRANT') EXECUTE FUNCTION forbid()`)
	conn := s.connect(t, "broken")
	_, err := install(t, conn, InstallOptions{NoFiles: true})
	if err == nil || !contains(err.Error(), "create the monitor's objects: forbidden") {
		t.Fatal(err)
	}
	c := &Client{conn: conn}
	if _, err := c.Version(t.Context()); !errors.Is(err, ErrNoExtension) {
		t.Errorf("left something behind: %v", err)
	}
}

func extensions(t *testing.T, conn *pgx.Conn) (count int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_extension WHERE extname = 'pgautofailover'`).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

// relocated starts a server from a copy of the Postgres installation, whose
// share folder belongs to the test.
func relocated(t *testing.T) (s *server, extension string) {
	t.Helper()
	root := filepath.Join(testRoot, strings.ReplaceAll(t.Name(), "/", "_"))
	share := filepath.Join(root, "share/postgresql/15")
	for _, command := range []string{
		"mkdir -p " + root + "/lib/postgresql/15/bin " + root + "/share/postgresql",
		"cp " + pgBin + "/postgres " + root + "/lib/postgresql/15/bin/",
		"ln -s /usr/lib/postgresql/15/lib " + root + "/lib/postgresql/15/lib",
		"cp -r /usr/share/postgresql/15 " + share,
	} {
		if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
			t.Skipf("%s: %v: %s", command, err, out)
		}
	}
	s = startServer(t, serverOptions{bin: root + "/lib/postgresql/15/bin"})
	extension = share + "/extension"
	var found string
	if err := s.connect(t, "postgres").QueryRow(t.Context(),
		`SELECT setting FROM pg_config() WHERE name = 'SHAREDIR'`).Scan(&found); err != nil || found != share {
		t.Skipf("this Postgres is not relocatable: its share folder is %s", found)
	}
	for _, old := range []string{"pgautofailover.control", "pgautofailover--" + sql.Version + ".sql"} {
		_ = os.Remove(filepath.Join(extension, old))
	}
	return s, extension
}

func TestInstallAsExtension(t *testing.T) {
	s, folder := relocated(t)
	conn := s.connect(t, "postgres")

	// files that cannot be used are not needed
	log, err := install(t, conn, InstallOptions{NoFiles: true})
	if err != nil || !contains(log.all(), "without an extension") {
		t.Fatalf("%v\n%s", err, log.all())
	}
	if entries, _ := filepath.Glob(folder + "/*pgautofailover*"); len(entries) != 0 {
		t.Errorf("wrote %v", entries)
	}

	// the folder is here and writable
	s.exec(t, "postgres", "CREATE DATABASE second", "CREATE DATABASE third")
	conn = s.connect(t, "second")
	log, err = install(t, conn, InstallOptions{})
	if err != nil || !contains(log.all(), "wrote the files", "created extension") || extensions(t, conn) != 1 {
		t.Fatalf("%v\n%s", err, log.all())
	}
	if text, err := os.ReadFile(folder + "/pgautofailover.control"); err != nil || string(text) != ControlFile {
		t.Errorf("%s, %v", text, err)
	}
	if text, err := os.ReadFile(folder + "/pgautofailover--" + sql.Version + ".sql"); err != nil || string(text) != sql.Script() {
		t.Errorf("%d characters, %v", len(text), err)
	}
	if hidden, _ := filepath.Glob(folder + "/.pgautofailover*"); len(hidden) != 0 {
		t.Errorf("left %v", hidden)
	}
	c := open(t, s.uri("autoctl_node", "second"))
	if err := c.CheckVersion(t.Context()); err != nil {
		t.Error(err)
	}
	twoNodes(t, c, "default", 5001)

	// the files are there
	conn = s.connect(t, "third")
	log, err = install(t, conn, InstallOptions{})
	if err != nil || contains(log.all(), "wrote the files") || extensions(t, conn) != 1 {
		t.Fatalf("%v\n%s", err, log.all())
	}
}

// The files of pg_auto_failover are there, too, and require what is not there.
func TestInstallBesideAnotherVersion(t *testing.T) {
	s, folder := relocated(t)
	theirs := "default_version = '2.3'\nrequires = 'no_such_extension'\nmodule_pathname = '$libdir/nothing'\n"
	control := filepath.Join(folder, "pgautofailover.control")
	if err := os.WriteFile(control, []byte(theirs), 0o644); err != nil {
		t.Fatal(err)
	}
	conn := s.connect(t, "postgres")
	log, err := install(t, conn, InstallOptions{})
	if err != nil || !contains(log.all(), "wrote the files", "created extension") || extensions(t, conn) != 1 {
		t.Fatalf("%v\n%s", err, log.all())
	}
	if text, err := os.ReadFile(control); err != nil || string(text) != theirs {
		t.Errorf("%s, %v", text, err)
	}
}

func TestInstallUpdatesAnOlderExtension(t *testing.T) {
	s, folder := relocated(t)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	function := func(version string) string {
		return `CREATE OR REPLACE FUNCTION pgautofailover.extension_version() RETURNS text LANGUAGE sql AS $$ SELECT '` + version + `' $$;`
	}
	write("pgautofailover.control", strings.ReplaceAll(ControlFile, sql.Version, "2.9"))
	write("pgautofailover--2.9.sql", "CREATE SCHEMA pgautofailover;")
	s.exec(t, "postgres", "CREATE EXTENSION pgautofailover")
	conn := s.connect(t, "postgres")

	_, err := install(t, conn, InstallOptions{})
	var version *VersionError
	if !errors.As(err, &version) || version.Installed != "2.9" || version.Required != sql.Version || version.Remedy == "" {
		t.Fatalf("without a way from 2.9: %v", err)
	}
	write("pgautofailover--2.9--"+sql.Version+".sql", function(sql.Version))
	log, err := install(t, conn, InstallOptions{})
	if err != nil || !contains(log.all(), "updated extension", "from=2.9") {
		t.Fatalf("%v\n%s", err, log.all())
	}
	c := &Client{conn: conn}
	if err := c.CheckVersion(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := conn.Exec(t.Context(), function("4.2")); err != nil {
		t.Fatal(err)
	}
	_, err = install(t, conn, InstallOptions{})
	if !errors.As(err, &version) || version.Installed != "4.2" {
		t.Errorf("a newer one: %v", err)
	}
}

func TestInstallRefusesAStandby(t *testing.T) {
	s := startServer(t, serverOptions{})
	s.exec(t, "postgres", "SELECT 1")
	s.stop(syscall.SIGINT)
	if err := os.WriteFile(s.dir+"/standby.signal", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.dir + "/PG_VERSION")
	if err != nil {
		t.Fatal(err)
	}
	chownLike(t, s.dir+"/standby.signal", info)
	if err := s.startUntil("accept read-only connections"); err != nil {
		t.Fatal(err)
	}
	_, err = install(t, s.connect(t, "postgres"), InstallOptions{})
	if err == nil || !contains(err.Error(), "standby") {
		t.Error(err)
	}
}
