package main

import (
	"context"

	"pgaf/keeper"
	"pgaf/monitor"
)

// monitorDisabled reports whether --pgdata is a node that no monitor steers.
func (s nodeSelector) monitorDisabled() bool {
	if s.Monitor != "" || s.PGData == "" {
		return false
	}
	config, err := keeper.Load(s.PGData)
	return err == nil && config.MonitorDisabled()
}

// localState is show state --local in JSON.
type localState struct {
	NodeID    int64         `json:"node_id"`
	GroupID   int           `json:"group_id"`
	Name      string        `json:"nodename"`
	Host      string        `json:"nodehost"`
	Port      int           `json:"nodeport"`
	Reported  monitor.State `json:"current_group_state"`
	Assigned  monitor.State `json:"assigned_group_state"`
	Timeline  int           `json:"timeline"`
	LSN       string        `json:"Minimum Recovery Ending LSN"`
	Reachable string        `json:"reachable"`
	ConnType  string        `json:"conntype"`
}

// local shows what the node's own files say.
func (c *showStateCmd) local(a *app) error {
	if c.PGData == "" {
		return usageError("pass --pgdata DIR or set PGDATA", "which node? --pgdata is missing")
	}
	config, err := keeper.Load(c.PGData)
	if err != nil {
		return err
	}
	if config.IsMonitor() {
		return usageError("leave out --local, or pass --pgdata of a data node", "--local shows a data node, and %s is a monitor", c.PGData)
	}
	paths, err := keeper.PathsOf(c.PGData)
	if err != nil {
		return err
	}
	state, err := keeper.ReadState(paths.State)
	if err != nil {
		return err
	}
	local := localState{
		NodeID:    state.NodeID,
		GroupID:   state.GroupID,
		Name:      config.Name,
		Host:      config.Hostname,
		Port:      config.Port,
		Reported:  state.Current,
		Assigned:  state.Assigned,
		LSN:       "0/0",
		Reachable: "no",
		ConnType:  state.Current.Connection(),
	}
	// A node whose service or Postgres does not run is still worth showing.
	status, _ := keeper.ReadStatus(context.Background(), c.PGData)
	if status != nil {
		local.Timeline = status.Postgres.Timeline
		local.LSN = orDefault(status.Postgres.CheckpointLSN, local.LSN)
		if status.Postgres.PostmasterStatus == "ready" || status.Postgres.PostmasterStatus == "standby" {
			local.Reachable = "yes"
		}
	}
	if c.JSON {
		return a.printJSON(local)
	}
	t := stateTable(nil)
	mark := ""
	if local.Reachable != "yes" {
		mark = " !"
	}
	t.add(local.Name, nodeLabel(config.NodeKind != "standalone", local.GroupID, local.NodeID), hostPort(local.Host, local.Port),
		tliLSN(local.Timeline, text(local.LSN)), local.ConnType+mark, string(local.Reported), string(local.Assigned))
	return t.write(a.stdout)
}

// text is a string where a fmt.Stringer is wanted.
type text string

func (t text) String() string { return string(t) }
