package monitor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// sysid has the top bit set: it does not fit a signed bigint as it is.
const sysid = uint64(0xF123456789ABCDEF)

// group plays the keepers of one group: each call is a heartbeat that reports
// the state last assigned.
type group struct {
	t     *testing.T
	c     *Client
	name  string // of the formation
	nodes map[int64]*Report
}

func newGroup(t *testing.T, c *Client, formation string) *group {
	return &group{t: t, c: c, name: formation, nodes: make(map[int64]*Report)}
}

// join registers a node and returns its id.
func (g *group) join(host string, port int) int64 {
	g.t.Helper()
	r := NewRegistration(g.name, host, port, "postgres")
	r.SystemIdentifier = sysid
	answer, err := g.c.Register(g.t.Context(), r, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	g.nodes[answer.NodeID] = &Report{Formation: g.name, NodeID: answer.NodeID, GroupID: answer.GroupID,
		State: StateInit, PgIsRunning: true, TLI: 1, LSN: 0x3000000}
	return answer.NodeID
}

// settle reports each node's state and takes over its assignment, until every
// node of the group is what it was assigned.
func (g *group) settle() {
	g.t.Helper()
	quiet := 0 // a heartbeat may change what an earlier one of the round was told
	for range 40 {
		moved := false
		for _, id := range slices.Sorted(keys(g.nodes)) {
			r := g.nodes[id]
			a, err := g.c.NodeActive(g.t.Context(), *r)
			if err != nil {
				g.t.Fatal(err)
			}
			if r.State == StateDropped {
				delete(g.nodes, id)
				continue
			}
			if a.State != r.State {
				moved = true
				r.PgIsRunning = !slices.Contains([]State{StateDraining, StateDemoted, StateDemoteTimeout,
					StateWaitStandby, StateInit, StateMaintenance, StateDropped}, a.State)
				r.SyncState = ""
				if a.State == StateDraining {
					r.LSN -= 0x70 // where its shutdown checkpoint begins; the standby has received its end
				}
				if a.State == StatePrimary {
					r.SyncState = "quorum"
				}
				if a.State == StateWaitPrimary && r.State == StatePreparePromotion {
					r.TLI++
				}
				for _, other := range g.nodes {
					if a.State == StateCatchingup {
						r.TLI, r.LSN = max(r.TLI, other.TLI), max(r.LSN, other.LSN)
					}
				}
				r.State = a.State
			}
		}
		if quiet++; moved {
			quiet = 0
		}
		if quiet == 2 {
			return
		}
	}
	g.t.Fatalf("the group does not come to rest: %v", g.states())
}

func (g *group) states() string {
	var list []string
	for _, id := range slices.Sorted(keys(g.nodes)) {
		list = append(list, fmt.Sprintf("%d %s", id, g.nodes[id].State))
	}
	return strings.Join(list, ", ")
}

func keys(m map[int64]*Report) func(yield func(int64) bool) {
	return func(yield func(int64) bool) {
		for id := range m {
			if !yield(id) {
				return
			}
		}
	}
}

// healthy marks all nodes of the group good, as the service would.
func (g *group) healthy() {
	g.t.Helper()
	var verdicts []NodeVerdict
	for id := range g.nodes {
		verdicts = append(verdicts, NodeVerdict{id, Verdict{HealthGood, SignOK, ""}})
	}
	if err := g.c.ReportHealth(g.t.Context(), verdicts); err != nil {
		g.t.Fatal(err)
	}
}

// twoNodes makes a group of a primary and a secondary.
func twoNodes(t *testing.T, c *Client, formation string, port int) (g *group, first, second int64) {
	t.Helper()
	g = newGroup(t, c, formation)
	first = g.join("127.0.0.1", port)
	g.settle()
	second = g.join("127.0.0.1", port+1)
	g.settle()
	g.healthy()
	g.settle()
	if got := g.nodes[first].State; got != StatePrimary {
		explained, _ := c.Explain(t.Context(), formation, 0)
		t.Fatalf("first node is %s, want primary: %s\n%+v", got, g.states(), explained)
	}
	if got := g.nodes[second].State; got != StateSecondary {
		t.Fatalf("second node is %s, want secondary: %s", got, g.states())
	}
	return g, first, second
}

func TestTwoNodesThroughTheAPI(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	ctx := t.Context()
	g, first, second := twoNodes(t, c, "default", 5001)

	nodes, err := c.CurrentState(ctx, "default", nil)
	if err != nil || len(nodes) != 2 {
		t.Fatalf("current state: %v, %v", nodes, err)
	}
	n := nodes[0]
	if n.ID != first || n.Name != fmt.Sprintf("node_%d", first) || n.Host != "127.0.0.1" || n.Port != 5001 ||
		n.Reported != StatePrimary || n.Assigned != StatePrimary || n.CandidatePriority != 50 || !n.ReplicationQuorum ||
		n.TLI != 1 || n.LSN != 0x3000000 || n.Health != HealthGood || n.HealthSign != SignOK ||
		n.Formation != "default" || n.FormationKind != "pgsql" || n.Cluster != "default" || n.Region != "default" ||
		n.SystemIdentifier != sysid || !n.PgIsRunning || n.SyncState != "quorum" || n.ReportTime.IsZero() || n.HealthTime.IsZero() {
		t.Errorf("node: %+v", n)
	}
	group0 := 0
	if nodes, err = c.CurrentState(ctx, "", &group0); err != nil || len(nodes) != 2 {
		t.Errorf("current state of all formations, group 0: %v, %v", nodes, err)
	}
	group1 := 1
	if nodes, err = c.CurrentState(ctx, "default", &group1); err != nil || len(nodes) != 0 {
		t.Errorf("current state of group 1: %v, %v", nodes, err)
	}

	for _, find := range []func() (Node, bool, error){
		func() (Node, bool, error) { return c.NodeByID(ctx, second) },
		func() (Node, bool, error) { return c.NodeByName(ctx, "default", fmt.Sprintf("node_%d", second)) },
		func() (Node, bool, error) { return c.NodeByHost(ctx, "127.0.0.1", 5002) },
	} {
		if n, found, err := find(); err != nil || !found || n.ID != second {
			t.Errorf("find: %+v, %v, %v", n, found, err)
		}
	}
	if _, found, err := c.NodeByID(ctx, 99); found || err != nil {
		t.Errorf("find node 99: %v, %v", found, err)
	}

	peers, err := c.OtherNodes(ctx, first)
	if err != nil || len(peers) != 1 || peers[0].ID != second || peers[0].Port != 5002 || peers[0].IsPrimary ||
		peers[0].LSN != 0x3000000 {
		t.Errorf("other nodes: %+v, %v", peers, err)
	}
	if peers, err = c.OtherNodesAssigned(ctx, first, StateCatchingup); err != nil || len(peers) != 0 {
		t.Errorf("other nodes in catchingup: %+v, %v", peers, err)
	}
	if peers, err = c.Nodes(ctx, "default", nil); err != nil || len(peers) != 2 || !peers[0].IsPrimary {
		t.Errorf("nodes: %+v, %v", peers, err)
	}
	if p, err := c.Primary(ctx, "default", 0); err != nil || p.ID != first {
		t.Errorf("primary: %+v, %v", p, err)
	}
	if host, port, found, err := c.Coordinator(ctx, "default"); err != nil || !found || port != 5001 {
		t.Errorf("coordinator: %v %v %v %v", host, port, found, err)
	}
	if _, found, err := c.MostAdvancedStandby(ctx, "default", 0, 0); err != nil || found {
		t.Errorf("most advanced standby: %v, %v", found, err)
	}
	if names, err := c.SynchronousStandbyNames(ctx, "default", 0); err != nil ||
		names != fmt.Sprintf("ANY 1 (pgautofailover_standby_%d)", second) {
		t.Errorf("synchronous_standby_names %q, %v", names, err)
	}

	if err := c.SetNodeSystemIdentifier(ctx, second, sysid); err != nil {
		t.Error(err)
	}
	if n, err := c.SetGroupSystemIdentifier(ctx, 0, sysid); err != nil || n != 0 {
		t.Errorf("set group system identifier: %d, %v", n, err)
	}
	if err := c.OpenSession(ctx, first); err != nil {
		t.Error(err)
	}
	if err := c.ReportUpstream(ctx, second, true); err != nil {
		t.Error(err)
	}
	name := "renamed"
	if err := c.UpdateNodeMetadata(ctx, second, Metadata{Name: &name}); err != nil {
		t.Error(err)
	}
	if n, _, _ := c.NodeByID(ctx, second); n.Name != name || n.Port != 5002 {
		t.Errorf("after renaming: %+v", n)
	}
	if ok, err := c.SetNodeRegion(ctx, "default", name, "north"); err != nil || !ok {
		t.Errorf("set region: %v, %v", ok, err)
	}
	if err := c.ReportPostgresVersion(ctx, first, PostgresVersion{Number: 150020, Short: "15.20", Long: "PostgreSQL 15.20"}); err != nil {
		t.Error(err)
	}
	if n, _, _ := c.NodeByID(ctx, first); n.PostgresVersion != "15.20" {
		t.Errorf("version: %+v", n)
	}

	if err := c.ReportTimelineHistory(ctx, first, []TimelineSwitch{{TLI: 2, ParentTLI: 1, SwitchLSN: 0x5000000}}); err != nil {
		t.Error(err)
	}
	history, err := c.TimelineHistory(ctx, "default", 0)
	if err != nil || len(history) != 1 || history[0] != (TimelineSwitch{first, 2, 1, 0x5000000}) {
		t.Errorf("timeline history: %+v, %v", history, err)
	}
	if ok, err := c.AcceptTimeline(ctx, "default", 0, 2, "test"); err != nil || !ok {
		t.Errorf("accept timeline: %v, %v", ok, err)
	}
	if ok, err := c.ResolveAcceptedTimeline(ctx, "default", 0); err != nil || !ok {
		t.Errorf("resolve timeline: %v, %v", ok, err)
	}
	if list, err := c.NodeTimelineStatus(ctx, "default", 0); err != nil || len(list) != 2 || list[0].LSN == 0 {
		t.Errorf("timeline status: %+v, %v", list, err)
	}

	if ok, err := c.SetNodeCandidatePriority(ctx, "default", name, 80); err != nil || !ok {
		t.Errorf("set priority: %v, %v", ok, err)
	}
	g.settle()
	if ok, err := c.SetNodeReplicationQuorum(ctx, "default", name, true); err != nil || !ok {
		t.Errorf("set quorum: %v, %v", ok, err)
	}
	g.settle()
	if ok, err := c.SetFormationNumberSyncStandbys(ctx, "default", 0); err != nil || !ok {
		t.Errorf("set number_sync_standbys: %v, %v", ok, err)
	}
	g.settle()

	if err := c.PerformFailover(ctx, "default", 0, FailoverOptions{Reason: "test of the switchover"}); err != nil {
		t.Fatal(err)
	}
	g.settle()
	if g.nodes[second].State != StatePrimary {
		t.Errorf("after perform failover: %s", g.states())
	}
	if ok, err := c.PerformPromotion(ctx, "default", name, FailoverOptions{}); err != nil || ok {
		t.Errorf("promotion of the primary: %v, %v", ok, err)
	}

	if ok, err := c.StartMaintenance(ctx, first, "disk"); err != nil || !ok {
		t.Errorf("start maintenance: %v, %v", ok, err)
	}
	g.settle()
	if g.nodes[first].State != StateMaintenance {
		t.Errorf("in maintenance: %s", g.states())
	}
	if ok, err := c.StopMaintenance(ctx, first, ""); err != nil || !ok {
		t.Errorf("stop maintenance: %v, %v", ok, err)
	}
	g.settle()

	events, err := c.LastEvents(ctx, "default", nil, 500)
	if err != nil || len(events) < 10 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	i := slices.IndexFunc(events, func(e Event) bool { return e.Reason == "test of the switchover" })
	if i < 0 || !strings.Contains(events[i].RequestedBy, "autoctl_node") || events[i].Rule == "" {
		t.Errorf("no event with the operator's reason: %+v", events)
	}
	if all, err := c.LastEvents(ctx, "", nil, 500); err != nil || len(all) != len(events) {
		t.Errorf("events of all formations: %d, %v", len(all), err)
	}
	if some, err := c.LastEvents(ctx, "default", &group0, 3); err != nil || len(some) != 3 ||
		some[2].ID != events[len(events)-1].ID {
		t.Errorf("last 3 events of the group: %+v, %v", some, err)
	}
	since, err := c.EventsSince(ctx, events[3].ID, "")
	if err != nil || len(since) != len(events)-4 || since[0].ID <= events[3].ID {
		t.Errorf("events since: %d, %v", len(since), err)
	}
	if between, err := c.EventsBetween(ctx, events[0].Time, events[len(events)-1].Time, "default"); err != nil || len(between) != len(events) {
		t.Errorf("events between: %d of %d, %v", len(between), len(events), err)
	}
	explained, err := c.Explain(ctx, "default", 0)
	if err != nil || len(explained) != 3 || explained[2].NodeID != 0 || explained[2].Doing == "" {
		t.Errorf("explain: %+v, %v", explained, err)
	}
	if n, err := c.Tick(ctx); err != nil {
		t.Errorf("tick: %d, %v", n, err)
	}
	if wait, err := c.TickPause(ctx); err != nil || wait <= 0 || wait > time.Second {
		t.Errorf("tick pause: %s, %v", wait, err)
	}
	if n, err := c.PurgeEvents(ctx); err != nil || n != 0 {
		t.Errorf("purge: %d, %v", n, err)
	}

	if ok, err := c.RemoveNodeByName(ctx, "default", name, false); err != nil || !ok {
		t.Errorf("remove: %v, %v", ok, err)
	}
	g.settle()
	if ok, err := c.RemoveNodeByHost(ctx, "127.0.0.1", 5001, true); err != nil || !ok {
		t.Errorf("remove by host: %v, %v", ok, err)
	}
	_, err = c.RemoveNodeByID(ctx, first, true)
	if SQLState(err) != "42704" {
		t.Errorf("remove twice: %v", err)
	}
	if _, err := c.RemoveNodeByName(ctx, "default", "nobody", true); SQLState(err) != "42704" {
		t.Errorf("remove nobody: %v", err)
	}
}

func TestFormations(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	ctx := t.Context()
	want := Formation{ID: "other", Kind: "pgsql", Database: "app", OptSecondary: true}
	if got, err := c.CreateFormation(ctx, want); err != nil || got != want {
		t.Fatalf("create: %+v, %v", got, err)
	}
	if list, err := c.Formations(ctx); err != nil || len(list) != 2 || list[0].ID != "default" || list[1] != want {
		t.Errorf("formations: %+v, %v", list, err)
	}
	if got, found, err := c.Formation(ctx, "other"); err != nil || !found || got != want {
		t.Errorf("formation: %+v, %v, %v", got, found, err)
	}
	if _, found, err := c.Formation(ctx, "none"); err != nil || found {
		t.Errorf("formation none: %v, %v", found, err)
	}
	if err := c.DisableSecondary(ctx, "other"); err != nil {
		t.Error(err)
	}
	if err := c.EnableSecondary(ctx, "other"); err != nil {
		t.Error(err)
	}
	if uri, err := c.FormationURI(ctx, "other", URIOptions{}); err != nil || uri != "" {
		t.Errorf("uri without nodes: %q, %v", uri, err)
	}
	r := NewRegistration("other", "db1", 5000, "app")
	r.SystemIdentifier, r.Name = sysid, "a"
	if answer, err := c.Register(ctx, r, nil); err != nil || answer.State != StateSingle || answer.Name != "a" {
		t.Fatalf("register: %+v, %v", answer, err)
	}
	if uri, err := c.FormationURI(ctx, "other", URIOptions{SSLMode: "verify-full", SSLRootCert: "/ca", SSLCRL: "/crl"}); err != nil ||
		uri != "postgres://db1:5000/app?target_session_attrs=read-write&sslmode=verify-full&sslrootcert=/ca&sslcrl=/crl" {
		t.Errorf("uri: %q, %v", uri, err)
	}
	list, err := c.FormationSettings(ctx, "other")
	if err != nil || len(list) < 3 || list[0].Context != "formation" || list[0].NodeID != nil || list[0].Value != "0" {
		t.Errorf("settings: %+v, %v", list, err)
	}
	err = c.DropFormation(ctx, "other")
	if SQLState(err) != "23503" {
		t.Errorf("drop with a node: %v", err)
	}
	if _, err := c.RemoveNodeByName(ctx, "other", "a", true); err != nil {
		t.Error(err)
	}
	if err := c.DropFormation(ctx, "other"); err != nil {
		t.Error(err)
	}
}

func TestRegisterIsUndoneByTheCallback(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	refusal := errors.New("disk full")
	var seen Registered
	_, err := c.Register(t.Context(), NewRegistration("default", "h", 1, "postgres"), func(r Registered) error {
		seen = r
		return refusal
	})
	if !errors.Is(err, refusal) || seen.NodeID == 0 {
		t.Fatalf("%v, %+v", err, seen)
	}
	if nodes, err := c.CurrentState(t.Context(), "", nil); err != nil || len(nodes) != 0 {
		t.Errorf("nodes: %+v, %v", nodes, err)
	}
}

func TestRegisterAnotherCluster(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	g := newGroup(t, c, "default")
	g.join("h1", 1)
	g.settle()
	r := NewRegistration("default", "h2", 2, "postgres")
	r.SystemIdentifier = 42
	_, err := c.Register(t.Context(), r, nil)
	if SQLState(err) != "23P01" {
		t.Fatal(err)
	}
	var sqlErr *SQLError
	if !errors.As(err, &sqlErr) || sqlErr.Hint == "" || sqlErr.Detail == "" {
		t.Errorf("%#v", err)
	}
	if c.Closed() {
		t.Error("the connection did not survive")
	}
}

func TestIntrospection(t *testing.T) {
	s := sharedServer(t)
	uri, database := s.newMonitor(t)
	c := open(t, uri)
	ctx := t.Context()

	rules, err := c.Rules(ctx)
	if err != nil || len(rules) < 20 || rules[0].Name == "" || rules[0].Words == "" {
		t.Errorf("rules: %d, %v", len(rules), err)
	}
	dump, err := c.DumpFSM(ctx)
	if err != nil || len(dump) != len(rules) {
		t.Errorf("dump: %d, %v", len(dump), err)
	}
	edges, err := c.FSMEdges(ctx)
	if err != nil || len(edges) < 20 {
		t.Fatalf("edges: %d, %v", len(edges), err)
	}
	if missing, err := c.CheckFSMReachability(ctx, edges); err != nil || len(missing) != 0 {
		t.Errorf("with its own edges: %v, %v", missing, err)
	}
	if missing, err := c.CheckFSMReachability(ctx, edges[1:]); err != nil || len(missing) == 0 {
		t.Errorf("with one edge missing: %v, %v", missing, err)
	}
	any := FSMEdge{Current: "any", Assigned: edges[0].Assigned}
	if missing, err := c.CheckFSMReachability(ctx, append([]FSMEdge{any}, edges[1:]...)); err != nil || len(missing) != 0 {
		t.Errorf("with any: %v, %v", missing, err)
	}

	settings, err := c.Settings(ctx)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == "pgautofailover.health_check_period" })
	if i < 0 || settings[i].Unit != "ms" || settings[i].Reason == "" {
		t.Errorf("settings: %+v", settings)
	}
	if v, err := c.Setting(ctx, "pgautofailover.health_check_max_retries"); err != nil || v != "1" {
		t.Errorf("setting: %q, %v", v, err)
	}
	if _, err := c.Setting(ctx, "nonsense"); SQLState(err) != "42704" {
		t.Errorf("unknown setting: %v", err)
	}

	admin := s.connect(t, database)
	var labels []string
	if err := admin.QueryRow(ctx, `SELECT array_agg(e::text) FROM unnest(enum_range(NULL::pgautofailover.replication_state)) AS e`).
		Scan(&labels); err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, state := range States {
		ours = append(ours, string(state))
	}
	if !slices.Equal(labels, ours) {
		t.Errorf("States are not those of the extension:\n%v\n%v", labels, ours)
	}
	for _, state := range States {
		var writable bool
		if err := admin.QueryRow(ctx, `SELECT pgautofailover.is_writable($1::text::pgautofailover.replication_state)`,
			string(state)).Scan(&writable); err != nil || writable != state.Writable() {
			t.Errorf("Writable of %s: SQL says %v, %v", state, writable, err)
		}
	}
}

func TestNodeLag(t *testing.T) {
	nodes := []Node{
		{Formation: "a", Reported: StatePrimary, LSN: 100},
		{Formation: "a", Reported: StateSecondary, LSN: 90},
		{Formation: "a", Reported: StateCatchingup, LSN: 120}, // diverged: ahead of the primary
		{Formation: "a", Reported: StateWaitStandby},
		{Formation: "a", GroupID: 1, Reported: StateReportLSN, LSN: 5},
		{Formation: "a", GroupID: 1, Reported: StateReportLSN, LSN: 8},
	}
	fillLag(nodes)
	for i, want := range []int64{0, 10, 0, -1, 3, 0} {
		if nodes[i].ReplicationLagBytes != want {
			t.Errorf("node %d: lag %d, want %d", i, nodes[i].ReplicationLagBytes, want)
		}
	}
}
