package monitor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A refused connection tells its cause and the remedy at the first attempt.
func TestConnectTellsTheCause(t *testing.T) {
	hba := "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all secret 127.0.0.1/32 scram-sha-256\n"
	s := startServer(t, serverOptions{hba: hba})
	s.exec(t, "postgres", "CREATE ROLE secret LOGIN PASSWORD 'right'", "CREATE ROLE other LOGIN")
	silent := silentListener(t)
	rude := rudeListener(t)
	for _, c := range []struct {
		name, uri string
		state     string
		permanent bool
		parts     []string // of the message
	}{
		{"no hba entry", s.uri("other", "postgres"), "28000", true,
			[]string{"no pg_hba.conf entry for host \"127.0.0.1\"", "add a matching line to pg_hba.conf", fmt.Sprint(s.port)}},
		{"wrong password", fmt.Sprintf("postgres://secret:wr0ng@127.0.0.1:%d/postgres", s.port), "28P01", true,
			[]string{"password authentication failed for user \"secret\"", "put the right password"}},
		{"no role", s.uri("postgres", "postgres") + "&user=nobody", "28000", true, []string{"no pg_hba.conf entry"}},
		{"no database", s.uri("postgres", "nowhere"), "3D000", true,
			[]string{`database "nowhere" does not exist`, "pg_auto_failover unless"}},
		{"refused", fmt.Sprintf("postgres://u@127.0.0.1:%d/d", freePort()), "", false,
			[]string{"connection refused", "check that the monitor's Postgres runs"}},
		{"unknown host", "postgres://u@nowhere.invalid/d", "", false, []string{"nowhere.invalid", "name resolution"}},
		{"no socket", "postgres://u@/d?host=" + t.TempDir(), "", false, []string{"no Unix socket there"}},
		{"silent", "postgres://u@" + silent + "/d?connect_timeout=1", "", false, []string{"no answer in time", "firewalls"}},
		{"not Postgres", "postgres://u@" + rude + "/d", "", false, []string{"closed the connection"}},
		{"no SSL", s.uri("postgres", "postgres") + "&sslmode=require", "", false, []string{"does not offer SSL"}},
		{"two hosts", fmt.Sprintf("postgres://u:wr0ng@127.0.0.1:%d,%s/d?sslmode=disable", freePort(), rude), "", false,
			[]string{"connection refused; ", "closed the connection"}},
		{"read-write standby", s.uri("postgres", "postgres") + "&target_session_attrs=standby", "", false,
			[]string{"target_session_attrs"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Connect(t.Context(), c.uri)
			var connectErr *ConnectError
			if !errors.As(err, &connectErr) {
				t.Fatalf("%T: %v", err, err)
			}
			t.Log(err)
			if SQLState(err) != c.state || connectErr.Permanent() != c.permanent || connectErr.Remedy == "" {
				t.Errorf("SQLSTATE %q, permanent %v, remedy %q", SQLState(err), connectErr.Permanent(), connectErr.Remedy)
			}
			if !contains(err.Error(), c.parts...) {
				t.Errorf("%v does not say %q", err, c.parts)
			}
			if strings.Contains(err.Error(), "wr0ng") || strings.Contains(err.Error(), "\n") {
				t.Errorf("shows a password, or has several lines: %v", err)
			}
		})
	}
}

func TestConnectTriesHostsInTurn(t *testing.T) {
	s := sharedServer(t)
	uri := fmt.Sprintf("postgres://postgres@127.0.0.1:%d,127.0.0.1:%d/postgres", freePort(), s.port)
	c, err := Connect(t.Context(), uri, WithApplicationName("turn"), WithConnectTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer closeQuietly(c)
	if name, err := value[string](t.Context(), c, "read", "SHOW application_name"); err != nil || name != "turn" {
		t.Errorf("%q, %v", name, err)
	}
}

func TestConnectIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Connect(ctx, "postgres://u@127.0.0.1:1/d")
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// While the monitor's Postgres ends, callers learn that it does.
func TestErrorsOfALostConnection(t *testing.T) {
	s := startServer(t, serverOptions{})
	c := open(t, s.uri("postgres", "postgres"))
	s.exec(t, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgaf'")
	err := c.exec(t.Context(), "count", "SELECT 1")
	if !connectionLost(err) || !c.Closed() {
		t.Errorf("%v, closed %v", err, c.Closed())
	}
	err = c.exec(t.Context(), "count", "SELECT 1")
	var lost *LostError
	if !errors.As(err, &lost) || !strings.Contains(err.Error(), "count: the connection to the monitor is closed") {
		t.Errorf("%T %v", err, err)
	}

	c = open(t, s.uri("postgres", "postgres"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = c.exec(ctx, "sleep", "SELECT pg_sleep(60)")
	if !errors.As(err, &lost) || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("%T %v", err, err)
	}

	c = open(t, s.uri("postgres", "postgres"))
	s.stop(syscall.SIGKILL)
	_, _, err = c.WaitForNotification(t.Context())
	if !connectionLost(err) || !c.Closed() {
		t.Errorf("%T %v", err, err)
	}
}

func TestSQLErrorText(t *testing.T) {
	s := sharedServer(t)
	c := open(t, s.uri("postgres", "postgres"))
	err := c.exec(t.Context(), "try", `DO $$ BEGIN RAISE 'no way' USING ERRCODE = '55006', DETAIL = 'Because.', HINT = 'Retry.'; END $$`)
	var sqlErr *SQLError
	if !errors.As(err, &sqlErr) || err.Error() != "try: no way; Because.; Retry." || sqlErr.SQLState != "55006" ||
		sqlErr.Message != "no way" || sqlErr.Detail != "Because." || sqlErr.Hint != "Retry." {
		t.Errorf("%#v", err)
	}
	if Retryable(err) || !RetryableRegistration(err) || connectionLost(err) {
		t.Error("55006 is for registrations")
	}
	for state, want := range map[string]bool{"40001": true, "40003": true, "40P01": true, "53300": true, "54000": true,
		"55000": false, "42704": false} {
		err := c.exec(t.Context(), "try", `DO $$ BEGIN RAISE 'x' USING ERRCODE = '`+state+`'; END $$`)
		if SQLState(err) != state || Retryable(err) != want {
			t.Errorf("%s: %v", state, err)
		}
	}
	err = c.CheckVersion(t.Context())
	if !errors.Is(err, ErrNoExtension) {
		t.Errorf("a database without monitor: %v", err)
	}
}

func TestNotices(t *testing.T) {
	s := sharedServer(t)
	var got string
	c, err := Connect(t.Context(), s.uri("postgres", "postgres"), WithNotices(func(severity, message, detail, hint string) {
		got = severity + " " + message + " " + detail + " " + hint
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer closeQuietly(c)
	if err := c.exec(t.Context(), "warn", `DO $$ BEGIN RAISE WARNING 'w' USING DETAIL = 'd', HINT = 'h'; END $$`); err != nil {
		t.Fatal(err)
	}
	if got != "WARNING w d h" {
		t.Error(got)
	}
}

// A wait for notifications is interrupted by its context and harms nothing.
func TestWaitIsInterruptible(t *testing.T) {
	s := sharedServer(t)
	_, database := s.newMonitor(t)
	c := open(t, s.uri("postgres", database))
	other := s.connect(t, database)
	if err := c.Listen(t.Context(), "state", "a channel"); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if _, _, err := c.WaitForNotification(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if n, err := value[int](t.Context(), c, "count", "SELECT $1::int", i); err != nil || n != i {
			t.Fatalf("after an interrupted wait: %d, %v", n, err)
		}
	}
	if _, err := other.Exec(t.Context(), `SELECT pg_notify('a channel', repeat('x', 5000)), pg_notify('state', 'second')`); err != nil {
		t.Fatal(err)
	}
	if _, err := value[int](t.Context(), c, "count", "SELECT 1"); err != nil { // picks the notifications up on the way
		t.Fatal(err)
	}
	channel, payload, err := c.WaitForNotification(t.Context())
	if channel != "a channel" || len(payload) != 5000 || err != nil {
		t.Error(channel, len(payload), err)
	}
	channel, payload, err = c.WaitForNotification(t.Context())
	if channel != "state" || payload != "second" || err != nil {
		t.Error(channel, payload, err)
	}
}

func TestSSLWithRevocation(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t, dir)
	key, cert := ca.issue(t, 7)
	empty := ca.revoke(t, dir, "empty.crl")
	other := ca.revoke(t, dir, "other.crl", 8)
	this := ca.revoke(t, dir, "this.crl", 7)

	s := startServer(t, serverOptions{})
	installCertificate(t, s, key, cert)
	base := fmt.Sprintf("postgres://postgres@localhost:%d/postgres?host=127.0.0.1&sslrootcert=%s&sslmode=", s.port, ca.file)
	for _, good := range []string{"verify-ca", "verify-full", "verify-ca&sslcrl=" + empty, "verify-full&sslcrl=" + other, "prefer&sslcrl=" + this} {
		c, err := Connect(t.Context(), base+good)
		if err != nil {
			t.Errorf("%s: %v", good, err)
			continue
		}
		if ssl, err := value[bool](t.Context(), c, "ask", `SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`); err != nil || !ssl {
			t.Errorf("%s: without SSL, %v", good, err)
		}
		closeQuietly(c)
	}
	for _, bad := range []string{"verify-ca&sslcrl=" + this, "verify-full&sslcrl=" + this} {
		_, err := Connect(t.Context(), base+bad)
		if err == nil || !contains(err.Error(), "revoked", "sslcrl") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := ParseURI(base + "verify-ca&sslcrl=" + ca.file); err == nil {
		t.Error("took a certificate for a revocation list")
	}
	stranger := newAuthority(t, t.TempDir())
	_, err := Connect(t.Context(), strings.ReplaceAll(base, ca.file, stranger.file)+"verify-ca")
	if err == nil || !contains(err.Error(), "SSL:", "sslrootcert") {
		t.Errorf("unknown authority: %v", err)
	}
}

// silentListener accepts connections and never answers.
func silentListener(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// rudeListener closes each connection at once.
func rudeListener(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	return l.Addr().String()
}

type authority struct {
	file string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(dir, "root.crt")}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority " + dir}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, _ = x509.ParseCertificate(der)
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

func (a *authority) issue(t *testing.T, serial int64) (key, cert []byte) {
	t.Helper()
	k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "server"},
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, _ := x509.MarshalPKCS8PrivateKey(k)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (a *authority) revoke(t *testing.T, dir, name string, serials ...int64) string {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, serial := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	writePEM(t, path, "X509 CRL", der)
	return path
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
}

// installCertificate switches SSL on.
func installCertificate(t *testing.T, s *server, key, cert []byte) {
	t.Helper()
	info, err := os.Stat(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"server.key": key, "server.crt": cert} {
		path := filepath.Join(s.dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		chownLike(t, path, info)
	}
	s.exec(t, "postgres", "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()")
	if err := s.waitLog("parameter \"ssl\" changed to \"on\""); err != nil {
		t.Fatal(err)
	}
}
