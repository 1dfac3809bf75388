package keeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/jackc/pglogrepl"

	"pgaf/monitor"
)

// nodes.json tells a node that no monitor steers who is in its group: an array of
// objects in the order of their ids. The node itself may be among them.

// nodeEntry is one object of the file as an operator may have written it: looked at before it is believed.
type nodeEntry struct {
	ID        int64  `json:"node_id"`
	Name      string `json:"node_name"`
	Host      string `json:"node_host"`
	Port      int    `json:"node_port"`
	LSN       string `json:"node_lsn"`
	IsPrimary bool   `json:"node_is_primary"`
}

// ParseNodes reads the content of a nodes file.
func ParseNodes(content []byte) ([]monitor.PeerNode, error) {
	var entries []nodeEntry
	if err := json.Unmarshal(content, &entries); err != nil {
		return nil, fmt.Errorf("it is not a JSON array of nodes: %w", err)
	}
	nodes := make([]monitor.PeerNode, len(entries))
	primary := ""
	for i, e := range entries {
		if e.LSN == "" {
			e.LSN = "0/0"
		}
		lsn, err := pglogrepl.ParseLSN(e.LSN)
		switch {
		case err != nil:
			return nil, fmt.Errorf("node %d: node_lsn %q is no position in the WAL", e.ID, e.LSN)
		case e.ID < 1:
			return nil, fmt.Errorf("node_id %d is not a positive number", e.ID)
		case i > 0 && e.ID <= entries[i-1].ID:
			return nil, fmt.Errorf("node_id %d comes after %d: list the nodes in the order of their ids, each once", e.ID, entries[i-1].ID)
		case e.Host == "" || checkHostname(e.Host) != nil:
			return nil, fmt.Errorf("node %d: node_host %q is neither a host name nor an address", e.ID, e.Host)
		case e.Port < 1 || e.Port > 65535:
			return nil, fmt.Errorf("node %d: node_port %d is not a port", e.ID, e.Port)
		case e.IsPrimary && primary != "":
			return nil, fmt.Errorf("%s and %s are both said to be the primary", primary, e.Name)
		case e.IsPrimary:
			primary = e.Name
		}
		nodes[i] = monitor.PeerNode{ID: e.ID, Name: e.Name, Host: e.Host, Port: e.Port, LSN: lsn, IsPrimary: e.IsPrimary}
	}
	return nodes, nil
}

// readNodes reads a nodes file. Without one there are no nodes, and that is no error.
func readNodes(path string) ([]monitor.PeerNode, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, exitf(ExitBadState, "read the nodes of the group: %w", err)
	}
	nodes, err := ParseNodes(content)
	if err != nil {
		return nil, exitf(ExitBadState, "nodes file %s: %w; set it again with: pgaf manual fsm nodes set FILE", path, err)
	}
	return nodes, nil
}

func saveNodes(path string, nodes []monitor.PeerNode) error {
	content, err := json.MarshalIndent(append([]monitor.PeerNode{}, nodes...), "", "    ") // never null
	if err != nil {
		return err
	}
	if err := writeFileAtomically(path, append(content, '\n'), 0o600); err != nil {
		return exitf(ExitBadState, "write the nodes file: %w", err)
	}
	return nil
}
