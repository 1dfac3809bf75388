package monitor

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	defaultConnectTimeout = 2 * time.Second // per host; a monitor that needs longer is retried
	defaultApplication    = "pgaf"
)

// libpqOnly lists the connection parameters that libpq uses itself and pgx
// would send to the server, which refuses unknown ones.
var libpqOnly = []string{
	"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
	"sslcrl", "sslcrldir", "sslcompression", "ssl_min_protocol_version", "ssl_max_protocol_version",
	"gssencmode", "gsslib", "gssdelegation", "requirepeer", "requiressl", "load_balance_hosts",
	"fallback_application_name", "client_encoding",
}

// ParseURI reads a connection URI or a key=value string as libpq does,
// including the parameters that pgx does not know: keepalives* and
// tcp_user_timeout (defaults 5 s, 2 s, 3, 10 s), and sslcrl. The error never
// shows a password.
func ParseURI(uri string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(uri)
	if err != nil {
		return nil, parseError(uri, err)
	}
	params := make(map[string]string)
	for _, key := range libpqOnly {
		if v, ok := config.RuntimeParams[key]; ok {
			params[key] = v
			delete(config.RuntimeParams, key)
		}
	}
	keepalive, err := keepaliveFrom(params)
	if err != nil {
		return nil, fmt.Errorf("connection string %s: %w", ScrubURI(uri), err)
	}
	config.DialFunc = keepalive.dialer().DialContext
	if params["sslcrl"] != "" {
		if err := useCRL(&config.Config, params["sslcrl"]); err != nil {
			return nil, fmt.Errorf("connection string %s: %w", ScrubURI(uri), err)
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = defaultConnectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = defaultApplication
	}
	// The tables of a new monitor were never analyzed, so that Postgres takes its few
	// rows for a million: it compiled the query of their states, for seconds.
	if config.RuntimeParams["jit"] == "" {
		config.RuntimeParams["jit"] = "off"
	}
	return config, nil
}

// parseError rewrites a parser's error, which may quote the string it could
// not read, password and all.
func parseError(uri string, err error) error {
	reason := err
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) && parse.Unwrap() != nil {
		reason = parse.Unwrap()
	}
	var urlErr *url.Error
	if errors.As(reason, &urlErr) {
		reason = urlErr.Err
	}
	text := reason.Error()
	if parse != nil && reason == err {
		_, text, _ = strings.Cut(text, "`: ")
	}
	for _, secret := range secretsIn(uri) {
		text = strings.ReplaceAll(text, secret, scrubbed)
	}
	return fmt.Errorf("cannot read the connection string %s: %s; "+
		"expected postgres://user@host:port/database?sslmode=… or key=value pairs", ScrubURI(uri), text)
}

// seconds reads a libpq parameter that counts seconds.
func seconds(params map[string]string, key string, fallback time.Duration) (time.Duration, error) {
	n, err := count(params, key, int(fallback/time.Second))
	return time.Duration(n) * time.Second, err
}

func count(params map[string]string, key string, fallback int) (int, error) {
	text, ok := params[key]
	if !ok || text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s must be a whole number, not %q", key, text)
	}
	if n == 0 {
		return fallback, nil
	}
	return n, nil
}
