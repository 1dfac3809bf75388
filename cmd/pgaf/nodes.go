package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"pgaf/monitor"
)

// stateWidth is the width of the columns of states: that of the longest state,
// so that a table does not jump while a group changes.
const stateWidth = 19

func hostPort(host string, port int) string {
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// nodeLabel names a node by its id, in Citus formations with its group.
func nodeLabel(withGroup bool, group int, id int64) string {
	if withGroup {
		return fmt.Sprintf("%d/%d", group, id)
	}
	return strconv.FormatInt(id, 10)
}

// nodeByName finds a node of nodes by its name.
func nodeByName(formation string, nodes []monitor.Node, name string) (monitor.Node, error) {
	var names []string
	for _, node := range nodes {
		if node.Name == name {
			return node, nil
		}
		names = append(names, node.Name)
	}
	remedy := "the formation has no nodes"
	if len(names) > 0 {
		remedy = "its nodes are " + strings.Join(names, ", ")
	}
	return monitor.Node{}, failure(exitMonitor, remedy,
		"formation %s has no node named %s", formation, name)
}

// nodeByID finds a node of nodes by its id, nil when it is not there.
func nodeByID(nodes []monitor.Node, id int64) *monitor.Node {
	for i := range nodes {
		if nodes[i].ID == id {
			return &nodes[i]
		}
	}
	return nil
}

// primaryOf is the node that serves writes, or will when it has done what it was
// told; nil when there is none.
func primaryOf(nodes []monitor.Node) *monitor.Node {
	for i := range nodes {
		if nodes[i].Assigned.Writable() {
			return &nodes[i]
		}
	}
	return nil
}
