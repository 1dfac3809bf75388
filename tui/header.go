package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// headerView is the first line: what is watched, and the clock.
func (v view) headerView() string {
	clock := v.now.Format(time.TimeOnly)
	room := v.width - len(clock) - 1
	var left string
	for _, sync := range []string{" - Sync Standbys: ", " - nss: "} {
		left = " Formation: " + v.styles.strong.Render(clean(v.target.Formation))
		if v.target.Group != nil {
			left += fmt.Sprintf(" - Group: %s", v.styles.strong.Render(fmt.Sprint(*v.target.Group)))
		}
		if v.picture.formation != nil {
			left += sync + v.styles.strong.Render(fmt.Sprint(v.picture.formation.NumberSyncStandbys))
		}
		if ansi.StringWidth(left) < room {
			break
		}
	}
	return spread(left, clock+" ", v.width)
}

// monitorView is the second line: whether the monitor is connected and, when
// it is not, since when.
func (v view) monitorView() string {
	p, address := v.picture, v.target.monitor
	since, ago := p.since.Format(time.TimeOnly), interval(v.now.Sub(p.since))
	switch {
	case p.connected:
		return v.styles.quiet.Render(fill(" Monitor: "+address+", connected", v.width))
	case p.reason == nil:
		return fill(" Monitor: "+address+", connecting", v.width)
	case p.stale():
		return v.styles.lost.Render(fill(fmt.Sprintf(" STALE since %s (%s): monitor %s is not connected", since, ago, address), v.width))
	}
	return v.styles.lost.Render(fill(fmt.Sprintf(" Monitor %s: not connected since %s (%s)", address, since, ago), v.width))
}

// noticesView are the lines between nodes and events: what the nodes wait for
// or, when that cannot be known, why. There is one, empty when all is well;
// only a lost monitor gets more, as nothing matters more then.
func (v view) noticesView() []string {
	p := v.picture
	switch {
	case !p.connected && p.reason != nil:
		return v.reasonLines()
	case !p.known:
		return []string{""}
	case p.formation == nil:
		return []string{fill(" The monitor has no formation of that name.", v.width)}
	case len(p.nodes) == 0:
		return []string{fill(" No node is registered here yet.", v.width)}
	}
	text := ansi.Truncate(" "+clean(notices(v.nodes, p.events)), v.width, "")
	return []string{v.styles.waiting.Render(text)}
}

// reasonLines wraps what the monitor or the network answered.
func (v view) reasonLines() []string {
	const most = 4
	reason := clean(strings.TrimSpace(v.picture.reason.Error()))
	lines := strings.Split(ansi.Wrap(reason, max(1, v.width-2), ""), "\n")
	lines = lines[:min(len(lines), most)]
	for i, line := range lines {
		lines[i] = v.styles.strong.Render(fill(" "+line, v.width))
	}
	return lines
}

// footerView is the last line: which rows are visible, and how to get out.
func (v view) footerView() string {
	left := ""
	if v.areas.nodes < len(v.nodes) {
		left = fmt.Sprintf(" nodes %d-%d of %d", v.firstNode+1, v.firstNode+v.areas.nodes, len(v.nodes))
	}
	if v.firstEvent > 0 {
		left += fmt.Sprintf(" events %d-%d of %d", v.firstEvent+1,
			min(v.firstEvent+v.areas.events, len(v.events)), len(v.events))
	}
	hint := " Press F1 to exit, ? for keys "
	return spread(left, v.styles.bar.Render(hint), v.width)
}

// helpView replaces everything below the first two lines: what the marks mean
// and what the keys do.
func (v view) helpView() []string {
	lines := []string{
		v.styles.bar.Render(fill(" Help", v.width)),
		fill(" *  accepts writes           !  unhealthy", v.width),
		fill(" >  goal not reached yet     ?  health not known yet", v.width),
	}
	for _, b := range keys.all() {
		lines = append(lines, fill(fmt.Sprintf(" %-18s%s", b.Help().Key, b.Help().Desc), v.width))
	}
	return lines
}
