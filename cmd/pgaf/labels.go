package main

import (
	"fmt"
	"io"
	"time"

	"pgaf/keeper"
)

// printLabels prints one "label: value" line each, the values below each other.
func printLabels(w io.Writer, lines [][2]string) error {
	width := 0
	for _, line := range lines {
		width = max(width, len(line[0])+1)
	}
	for _, line := range lines {
		if _, err := fmt.Fprintf(w, "%-*s %s\n", width, line[0]+":", line[1]); err != nil {
			return err
		}
	}
	return nil
}

// contactTime is when something was last heard of.
func contactTime(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// epoch is a time as the JSON of pg_autoctl has it: seconds, 0 for never.
func epoch(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// stateJSON is a state file in JSON.
func stateJSON(s keeper.State) any {
	return struct {
		Current              string `json:"current_role"`
		Assigned             string `json:"assigned_role"`
		Version              int    `json:"version"`
		GroupID              int    `json:"groupId"`
		NodeID               int64  `json:"nodeId"`
		LastMonitorContact   int64  `json:"last_monitor_contact"`
		LastSecondaryContact int64  `json:"last_secondary_contact"`
		PgVersion            string `json:"pgversion"`
	}{string(s.Current), string(s.Assigned), s.Format, s.GroupID, s.NodeID,
		epoch(s.LastMonitorContact), epoch(s.LastSecondaryContact), s.PgVersion}
}

// serviceJSON is one service of a pid file in JSON.
type serviceJSON struct {
	Name      string `json:"name"`
	Pid       int    `json:"pid"`
	Status    string `json:"status,omitempty"`
	Version   string `json:"version"`
	Extension string `json:"pgautofailover"`
}

// processJSON is a pid file in JSON.
type processJSON struct {
	Pid      int           `json:"pid"`
	Status   string        `json:"status,omitempty"`
	PGDATA   string        `json:"pgdata"`
	Version  string        `json:"version"`
	SemID    int           `json:"semId"`
	Services []serviceJSON `json:"services"`
}

func pidJSON(p keeper.PidFile) processJSON {
	process := processJSON{Pid: p.Pid, PGDATA: p.PGDATA, Version: p.Version, SemID: p.SemaphoreID, Services: []serviceJSON{}}
	for _, s := range p.Services {
		process.Services = append(process.Services, serviceJSON{Name: s.Name, Pid: s.Pid, Version: p.Version, Extension: p.ExtensionVersion})
	}
	return process
}

// running adds that the process and its services run.
func (p processJSON) running() processJSON {
	p.Status = "running"
	for i := range p.Services {
		p.Services[i].Status = "running"
	}
	return p
}
