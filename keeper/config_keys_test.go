package keeper

import "testing"

// TestEveryKey: each setting of each role can be read, and takes the value that it has; a typing error in its name is
// answered with the name.
func TestEveryKey(t *testing.T) {
	for _, role := range []Role{RoleKeeper, RoleMonitor} {
		c := NewConfig(role)
		c.PGDATA, c.Hostname = "/data", "127.0.0.1"
		for _, key := range ConfigKeys(role) {
			value, err := c.Get(key)
			if err != nil {
				t.Errorf("%s: get %s: %v", role, key, err)
				continue
			}
			if err := c.Set(key, value); err != nil {
				t.Errorf("%s: set %s to what it is, %q: %v", role, key, value, err)
			}
			wrong := key[:len(key)-2] + key[len(key)-1:]
			if _, err := c.Get(wrong); err == nil || nearestKey(role, wrong) != key {
				t.Errorf("%s: %s: the nearest setting is %s, want %s (%v)", role, wrong, nearestKey(role, wrong), key, err)
			}
		}
	}
	for _, s := range settings {
		if s.reload == neverChanges && fixedBecause[s.key] == "" {
			t.Errorf("nothing says why %s cannot change", s.Name())
		}
	}
}
