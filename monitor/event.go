package monitor

import (
	"context"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
)

// Event is one row of table event: a node's reported or assigned state
// changed, or its health or settings did.
type Event struct {
	ID                int64
	Time              time.Time
	Formation         string
	NodeID            int64
	GroupID           int
	NodeName          string
	NodeHost          string
	NodePort          int
	Reported          State
	Assigned          State
	SyncState         string
	TLI               int
	LSN               pglogrepl.LSN
	CandidatePriority int
	ReplicationQuorum bool
	Description       string // what happened, in words
	RulePos           int    // 0 when no rule made it
	Rule              string // name of the rule or call that made it
	RequestedBy       string // who made the operator's call
	Reason            string // why, as the operator said
}

const eventColumns = `
SELECT eventid, eventtime, formationid, nodeid, groupid, nodename, nodehost, nodeport,
       reportedstate::text, goalstate::text, coalesce(reportedrepstate, ''), reportedtli, reportedlsn::text,
       coalesce(candidatepriority, 0), coalesce(replicationquorum, false), coalesce(description, ''),
       coalesce(rule_pos, 0), coalesce(rule, ''), coalesce(requested_by, ''), coalesce(reason, '')
  FROM `

func scanEvent(row pgx.CollectableRow) (Event, error) {
	var e Event
	var lsn string
	err := row.Scan(&e.ID, &e.Time, &e.Formation, &e.NodeID, &e.GroupID, &e.NodeName, &e.NodeHost, &e.NodePort,
		&e.Reported, &e.Assigned, &e.SyncState, &e.TLI, &lsn,
		&e.CandidatePriority, &e.ReplicationQuorum, &e.Description,
		&e.RulePos, &e.Rule, &e.RequestedBy, &e.Reason)
	if err != nil {
		return e, err
	}
	e.LSN, err = pglogrepl.ParseLSN(lsn)
	return e, err
}

// LastEvents reads the newest count events of a formation ("" = all) and group
// (nil = all), oldest first.
func (c *Client) LastEvents(ctx context.Context, formation string, group *int, count int) ([]Event, error) {
	doing := "read the last events of " + scope(formation, group)
	switch {
	case formation == "":
		return rows(ctx, c, doing, scanEvent, eventColumns+`pgautofailover.last_events(count => $1::int)`, count)
	case group == nil:
		return rows(ctx, c, doing, scanEvent, eventColumns+`pgautofailover.last_events($1::text, count => $2::int)`, formation, count)
	default:
		return rows(ctx, c, doing, scanEvent, eventColumns+`pgautofailover.last_events($1::text, $2::int, $3::int)`,
			formation, *group, count)
	}
}

// EventsSince reads the events after id of a formation ("" = all), ascending.
func (c *Client) EventsSince(ctx context.Context, id int64, formation string) ([]Event, error) {
	return rows(ctx, c, "read the new events of "+scope(formation, nil), scanEvent,
		eventColumns+`pgautofailover.events_since($1::bigint, $2::text)`, id, nullable(formation))
}

// EventsBetween reads the events of a span of time (a zero until means now) of
// a formation ("" = all), ascending.
func (c *Client) EventsBetween(ctx context.Context, from, until time.Time, formation string) ([]Event, error) {
	var end *time.Time
	if !until.IsZero() {
		end = &until
	}
	return rows(ctx, c, "read the events of "+scope(formation, nil), scanEvent,
		eventColumns+`pgautofailover.events_between($1, coalesce($2, now()), $3::text)`, from, end, nullable(formation))
}
