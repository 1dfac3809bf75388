package monitor

import "testing"

// A new monitor's tables have no statistics; its states must not be compiled for seconds.
func TestNothingIsCompiledJustInTime(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	if jit, err := value[string](t.Context(), c, "look", `SHOW jit`); err != nil || jit != "off" {
		t.Errorf("jit = %q, %v", jit, err)
	}
}
