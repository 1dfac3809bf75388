package tui

import (
	"flag"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"pgaf/monitor"
)

var rewrite = flag.Bool("rewrite", false, "write the screens in testdata instead of comparing with them")

// TestScreens compares whole screens with testdata. They show a switchover
// that has just begun, at the widths that people use.
func TestScreens(t *testing.T) {
	unhealthy := sampleUpdate()
	unhealthy.Nodes[0].Assigned = monitor.StatePrimary
	unhealthy.Nodes[1].Health, unhealthy.Nodes[1].HealthSign = monitor.HealthBad, monitor.SignRefused
	unhealthy.Nodes[1].ReportTime = noon.Add(-12 * time.Second)
	lost := monitor.Update{Err: errRefused}

	screens := map[string]model{}
	for _, width := range []int{45, 55, 80, 130, 160} {
		screens[fmt.Sprintf("switchover_%d", width)] = fixedModel(width, 12, sampleUpdate())
	}
	screens["unhealthy_80"] = fixedModel(80, 12, unhealthy)
	screens["lost_80"] = fixedModel(80, 12, sampleUpdate(), lost)
	screens["unreachable_80"] = fixedModel(80, 12, lost)
	screens["connecting_80"] = fixedModel(80, 12)
	screens["empty_80"] = fixedModel(80, 12, monitor.Update{
		Connected: true, Nodes: []monitor.Node{}, Formations: []monitor.Formation{{ID: "default"}}})
	screens["unknown_formation_80"] = fixedModel(80, 12, monitor.Update{
		Connected: true, Nodes: []monitor.Node{}, Formations: []monitor.Formation{}})
	screens["help_80"] = sendKeys(t, fixedModel(80, 24, sampleUpdate()), "?")
	screens["too_small"] = fixedModel(44, 12, sampleUpdate())

	for name, m := range screens {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name+".txt")
			got := trimmed(text(m)) + "\n"
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("screen differs from %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// lineOf returns the line of the screen in which the nodes table shows name.
func lineOf(t *testing.T, screen, name string) string {
	t.Helper()
	for _, line := range splitLines(screen) {
		if strings.Contains(line, name) {
			return line
		}
	}
	t.Fatalf("no line with %q in\n%s", name, screen)
	return ""
}

func TestUnhealthyNodeIsReversedAndBold(t *testing.T) {
	u := sampleUpdate()
	u.Nodes[1].Health = monitor.HealthBad
	for _, noColor := range []bool{false, true} {
		m := fixedModel(80, 12, u)
		m.styles = newStyles(true, noColor)
		if line := lineOf(t, m.screen(), "secondary"); !strings.Contains(line, "\x1b[1;7") {
			t.Errorf("node2 is unhealthy and not in reverse and bold (NO_COLOR %v): %q", noColor, line)
		}
	}
}

func TestNoColorUsesNoColour(t *testing.T) {
	// parameters 30-49 and 90-107 of an SGR sequence are colours
	colours := regexp.MustCompile(`\x1b\[([0-9;]*;)?([34][0-9]|9[0-7]|10[0-7])[;m]`)
	u := sampleUpdate()
	u.Nodes[1].Health = monitor.HealthBad
	for _, dark := range []bool{false, true} {
		m := fixedModel(160, 12, u)
		m.styles = newStyles(dark, true)
		if found := colours.FindString(m.screen()); found != "" {
			t.Errorf("%q sets a colour with NO_COLOR", found)
		}
		m.styles = newStyles(dark, false)
		if !colours.MatchString(m.screen()) {
			t.Errorf("no colour without NO_COLOR")
		}
	}
}

func TestColoursFollowTheBackground(t *testing.T) {
	m := fixedModel(80, 12, sampleUpdate())
	light, _ := fed(m, tea.BackgroundColorMsg{Color: color.White})
	dark, _ := fed(m, tea.BackgroundColorMsg{Color: color.Black})
	if light.screen() == dark.screen() {
		t.Error("the same colours on white and on black")
	}
}

func TestWritableNodeIsMarked(t *testing.T) {
	screen := text(fixedModel(55, 12, sampleUpdate()))
	if line := lineOf(t, screen, "node1"); !strings.HasPrefix(line, "* ") {
		t.Errorf("the primary is not marked: %q", line)
	}
	if line := lineOf(t, screen, "node2"); !strings.HasPrefix(line, "  ") {
		t.Errorf("the standby is marked: %q", line)
	}
}

func TestStaleIsDrawnFaint(t *testing.T) {
	m := fixedModel(80, 12, sampleUpdate(), monitor.Update{Err: errRefused})
	if line := lineOf(t, m.screen(), "node2"); !strings.HasPrefix(line, "\x1b[2m") {
		t.Errorf("a stale node is drawn like a fresh one: %q", line)
	}
}

func TestEscapesOfOthersAreNotDrawn(t *testing.T) {
	u := sampleUpdate()
	u.Nodes[0].Name = "\x1b[2Jevil"
	u.Events[2].Description = "first\nsecond\x1b]0;title\a"
	if screen := fixedModel(130, 12, u).screen(); strings.Contains(screen, "\x1b[2J") || strings.ContainsAny(screen, "\a]") {
		t.Errorf("an escape sequence got through: %q", screen)
	}
}
