package main

import (
	"pgaf/monitor"
)

type parseNotificationCmd struct {
	Text string `arg:"" name:"json-text" help:"Payload of a notification on channel state."`
}

func (c *parseNotificationCmd) Run(a *app) error {
	n, err := monitor.ParseNotification(c.Text)
	if err != nil {
		return usageError("pass one JSON object, quoted for the shell", "%w", err)
	}
	return a.printJSON(struct {
		Name      string        `json:"name"`
		Hostname  string        `json:"hostname"`
		Port      int           `json:"port"`
		Formation string        `json:"formationid"`
		Reported  monitor.State `json:"reportedState"`
		Assigned  monitor.State `json:"goalState"`
		GroupID   int           `json:"groupId"`
		NodeID    int64         `json:"nodeId"`
		Health    string        `json:"health"`
		EventID   int64         `json:"eventId,omitempty"`
		Rule      string        `json:"rule,omitempty"`
	}{n.Name, n.Host, n.Port, n.Formation, n.Reported, n.Assigned, n.GroupID, n.NodeID, n.Health, n.EventID, n.Rule})
}
