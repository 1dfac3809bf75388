package keeper

import (
	"encoding/json"
	"errors"
	"os"
)

// initFile exists from the first side effect of a create to its end. It tells a
// repeated create what it finds half made, and a failed one what it may remove:
// only what create itself has made.
type initFile struct {
	Format        int          `json:"version"`
	PGDATA        folderState  `json:"pgdata"` // a cluster was the operator's: adopted, never removed
	ConfigExisted bool         `json:"config_existed"`
	Running       bool         `json:"running,omitempty"` // the cluster: it is adopted as it runs, never stopped
	Layout        *splitLayout `json:"layout,omitempty"`  // of the cluster, when its configuration is not in PGDATA
	Secured       bool         `json:"secured,omitempty"` // nobody chose how to log in: see initOptions
}

const initFormat = 1

// readInitFile returns nil without an error when no create is in progress.
func readInitFile(path string) (*initFile, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, exitf(ExitBadState, "read the init file: %w", err)
	}
	var f initFile
	if err := json.Unmarshal(content, &f); err != nil {
		return nil, exitf(ExitBadState, "init file %s is damaged (%w); remove it and repeat the create command", path, err)
	}
	return &f, nil
}

func (f initFile) save(path string) error {
	f.Format = initFormat
	content, err := json.MarshalIndent(f, "", "    ")
	if err != nil {
		return exitf(ExitInternal, "write init file %s: %w", path, err)
	}
	if err := writeFileAtomically(path, append(content, '\n'), 0o600); err != nil {
		return exitf(ExitBadState, "write init file: %w", err)
	}
	return nil
}
