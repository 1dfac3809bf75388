package keeper

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"pgaf/monitor"
)

// Passwords that nobody has to invent. The monitor's is random and part of its
// connection string; what nodes of a formation use among themselves follows from it, so
// that each knows it and nobody distributes it.

// defaultAuth is the method where none is chosen.
const defaultAuth = "scram-sha-256"

// takesPassword says whether an authentication method asks for one that Postgres keeps.
func takesPassword(method string) bool {
	return slices.Contains([]string{"scram-sha-256", "md5", "password"}, method)
}

// randomPassword has 144 bits, in letters that no connection string has to escape.
func randomPassword() string {
	secret := make([]byte, 18)
	rand.Read(secret) // never fails
	return base64.RawURLEncoding.EncodeToString(secret)
}

// replicationPassword is the password of the replication role of a formation. It cannot
// be turned back into the monitor's.
func replicationPassword(monitorPassword, formation string) string {
	mac := hmac.New(sha256.New, []byte(monitorPassword))
	mac.Write([]byte(formation))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// monitorPassword is the password with which this node reaches the monitor, wherever it
// comes from: the connection string, monitor_password, PGPASSWORD or ~/.pgpass.
func monitorPassword(cfg *Config) string {
	config, err := monitor.ParseURI(cfg.MonitorURI())
	if err != nil {
		return ""
	}
	return config.Password
}

// withPassword puts a password into a connection string that has none. That may name
// several hosts, which net/url does not read.
func withPassword(uri, password string) string {
	scheme, rest, isURI := strings.Cut(uri, "://")
	if password == "" || !isURI {
		return uri
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		end = i
	}
	authority, tail := rest[:end], rest[end:]
	at := strings.LastIndexByte(authority, '@')
	user := authority[:max(at, 0)]
	if strings.Contains(user, ":") || strings.Contains(tail, "?password=") || strings.Contains(tail, "&password=") {
		return uri
	}
	if user == "" {
		separator := "?"
		if strings.Contains(tail, "?") {
			separator = "&"
		}
		return uri + separator + "password=" + url.QueryEscape(password)
	}
	escaped := strings.TrimPrefix(url.UserPassword("", password).String(), ":")
	return scheme + "://" + user + ":" + escaped + authority[at:] + tail
}
