package monitor

import (
	"testing"
)

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
	if err := Install(t.Context(), conn, InstallOptions{NoFiles: true}); err != nil {
		t.Fatalf("a second time: %v", err)
	}
}
