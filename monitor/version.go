package monitor

import (
	"context"
	"errors"
	"fmt"
	"os"

	"pgaf/sql"
)

// ErrNoExtension tells that the database holds no monitor at all.
var ErrNoExtension = errors.New("this database holds no pgaf monitor; " +
	"run pgaf create monitor on it, or correct the monitor URI (its database is usually pg_auto_failover)")

// VersionError tells that the monitor's objects are of another version than
// this program works with.
type VersionError struct {
	Installed string // of the monitor's objects; "2.0", "2.3" … are pg_auto_failover's
	Required  string // by this program
	Remedy    string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the monitor has version %s of the pgautofailover extension and this pgaf needs %s; %s",
		e.Installed, e.Required, e.Remedy)
}

// RequiredVersion is the version of the extension this program works with.
// PG_AUTOCTL_EXTENSION_VERSION overrides it when PG_AUTOCTL_DEBUG is set too:
// tests use that to play another version.
func RequiredVersion() string {
	if v := os.Getenv("PG_AUTOCTL_EXTENSION_VERSION"); v != "" && os.Getenv("PG_AUTOCTL_DEBUG") != "" {
		return v
	}
	return sql.Version
}

// Version is the installed version of the monitor's objects, however they were
// installed. ErrNoExtension when there are none.
func (c *Client) Version(ctx context.Context) (string, error) {
	const doing = "read the monitor's version"
	version, err := value[*string](ctx, c, doing, `
SELECT CASE WHEN to_regprocedure('pgautofailover.extension_version()') IS NOT NULL THEN 'ours'
            ELSE (SELECT extversion FROM pg_extension WHERE extname = 'pgautofailover') END`)
	if err != nil {
		return "", err
	}
	if version == nil {
		return "", ErrNoExtension
	}
	if *version != "ours" {
		return *version, nil
	}
	return value[string](ctx, c, doing, `SELECT pgautofailover.extension_version()`)
}

// CheckVersion returns nil when the monitor has the required version, else a
// *VersionError or ErrNoExtension.
func (c *Client) CheckVersion(ctx context.Context) error {
	installed, err := c.Version(ctx)
	if err != nil {
		return err
	}
	return compareVersions(installed, RequiredVersion())
}

func compareVersions(installed, required string) error {
	if installed == required {
		return nil
	}
	e := &VersionError{Installed: installed, Required: required}
	switch {
	case majorOf(installed) < 3 && majorOf(required) >= 3:
		e.Remedy = "that is pg_auto_failover's own monitor: take it over first, on its machine, with: pgaf adopt --pgdata …"
	case versionLess(installed, required):
		e.Remedy = "upgrade pgaf on the monitor first and restart it (pgaf run updates the extension)"
	default:
		e.Remedy = "upgrade pgaf on this machine to the monitor's version"
	}
	return e
}

func majorOf(version string) int {
	var major int
	_, _ = fmt.Sscanf(version, "%d", &major)
	return major
}

// versionLess compares "major.minor" numerically.
func versionLess(a, b string) bool {
	var aMajor, aMinor, bMajor, bMinor int
	_, _ = fmt.Sscanf(a, "%d.%d", &aMajor, &aMinor)
	_, _ = fmt.Sscanf(b, "%d.%d", &bMajor, &bMinor)
	return aMajor < bMajor || aMajor == bMajor && aMinor < bMinor
}
