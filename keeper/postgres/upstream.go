package postgres

import (
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Upstream is the node a standby receives from. The zero Host means: nobody (primary_conninfo = ”).
type Upstream struct {
	Host            string
	Port            int
	User            string // pgautofailover_replicator
	Password        string
	Database        string
	ApplicationName string // pgautofailover_standby_<id>
	Slot            string // primary_slot_name
	SSLMode         string
	SSLRootCert     string
	SSLCRL          string
}

// upstreamConnectTimeout bounds one attempt of a walreceiver, in seconds: the kernel would wait for minutes
// for a host that drops packets, and the server retries anyway.
const upstreamConnectTimeout = "5"

// Conninfo is the libpq connection string, values quoted; it includes the password. "" without a host.
func (u Upstream) Conninfo() string {
	if u.Host == "" {
		return ""
	}
	c := u.pairs()
	c.add("sslcrl", u.SSLCRL)
	c.add("connect_timeout", upstreamConnectTimeout)
	return c.String()
}

// pairs are the keywords that libpq and pgx both know.
func (u Upstream) pairs() *conninfo {
	c := &conninfo{}
	c.add("application_name", u.ApplicationName)
	c.add("host", u.Host)
	if u.Port != 0 {
		c.add("port", strconv.Itoa(u.Port))
	}
	c.add("user", u.User)
	c.add("dbname", u.Database)
	c.add("password", u.Password)
	c.add("sslmode", u.SSLMode)
	c.add("sslrootcert", u.SSLRootCert)
	return c
}

// How a program finds out that its source is gone when the network drops everything silently: libpq would wait
// for hours. It is the other kernel that answers, so a copy that waits for a slow disk goes on.
const programKeepAlive = "keepalives_idle=5 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=20000"

// forProgram is the connection string and environment for a program that reads from u: the password travels in the environment, where other users cannot see
// it.
func (u Upstream) forProgram() (conninfo string, env []string) {
	v := u
	v.Password = ""
	if u.Password != "" {
		env = append(env, "PGPASSWORD="+u.Password)
	}
	if u.ApplicationName != "" {
		env = append(env, "PGAPPNAME="+u.ApplicationName)
	}
	return v.Conninfo() + " " + programKeepAlive, env
}

// pgconn is the configuration for our own connections. A certificate revocation list is not checked by them:
// they carry no data, only questions.
func (u Upstream) pgconn() (*pgconn.Config, error) {
	return pgconn.ParseConfig(u.pairs().String())
}

// String is host:port, for messages.
func (u Upstream) String() string {
	if u.Host == "" {
		return "nobody"
	}
	if strings.HasPrefix(u.Host, "/") {
		return u.Host + ":" + strconv.Itoa(u.Port)
	}
	return net.JoinHostPort(u.Host, strconv.Itoa(u.Port))
}

// conninfo builds a connection string.
type conninfo struct{ strings.Builder }

func (c *conninfo) add(name, value string) {
	if value == "" {
		return
	}
	if c.Len() > 0 {
		c.WriteByte(' ')
	}
	c.WriteString(name + "=" + quoteConninfo(value))
}

// quoteConninfo quotes a value of a connection string where needed.
func quoteConninfo(value string) string {
	if value != "" && !strings.ContainsAny(value, " \t\n\r\f\v'\\=") {
		return value
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// quoteSetting quotes a value for postgresql.conf, where a backslash is an escape.
func quoteSetting(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`, "\r", `\r`).Replace(value) + "'"
}
