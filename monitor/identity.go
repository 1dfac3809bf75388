package monitor

import "context"

// Identity tells one monitor from another one that was made in its place, at the same
// address. Node ids begin anew there. "" where this Postgres does not tell.
func (c *Client) Identity(ctx context.Context) (string, error) {
	const doing = "read the monitor's identity"
	allowed, err := value[bool](ctx, c, doing, `SELECT has_function_privilege('pg_control_system()', 'EXECUTE')`)
	if err != nil || !allowed {
		return "", err
	}
	return value[string](ctx, c, doing, `
SELECT format('%s/%s', s.system_identifier, 'pgautofailover.node'::regclass::oid) FROM pg_control_system() AS s`)
}
