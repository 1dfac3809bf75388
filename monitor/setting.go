package monitor

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Setting is a row of settings(): one pgautofailover.* setting.
type Setting struct {
	Name    string `json:"name"` // with the prefix pgautofailover.
	Value   string `json:"value"`
	Unit    string `json:"unit"` // ms, bytes, bool, count or text
	Default string `json:"default_value"`
	Reason  string `json:"reason"`
}

// Settings lists the monitor's settings with their values in force.
func (c *Client) Settings(ctx context.Context) ([]Setting, error) {
	scan := func(row pgx.CollectableRow) (s Setting, err error) {
		err = row.Scan(&s.Name, &s.Value, &s.Unit, &s.Default, &s.Reason)
		return s, err
	}
	return rows(ctx, c, "read the monitor's settings", scan, `
SELECT name, coalesce(value, ''), coalesce(unit, ''), coalesce(default_value, ''), coalesce(reason, '')
  FROM pgautofailover.settings()`)
}

// Setting reads one setting, with or without the prefix pgautofailover.
func (c *Client) Setting(ctx context.Context, name string) (string, error) {
	name = strings.TrimPrefix(name, "pgautofailover.")
	return value[string](ctx, c, fmt.Sprintf("read setting %q", name), `SELECT pgautofailover.setting($1)`, name)
}
