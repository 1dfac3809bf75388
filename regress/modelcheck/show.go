package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"pgaf/regress/model"
)

// shrinkBudget is how long a shorter run with the same violation is looked for.
const shrinkBudget = 60 * time.Second

// show prints a violation as the shortest transcript that can be found, and keeps it.
func (c *checker) show(ctx context.Context, e *model.Explorer, run *model.Run) error {
	short, err := e.Shrink(ctx, run, shrinkBudget)
	if err != nil {
		return err
	}
	text, err := e.Transcript(ctx, short)
	if err != nil {
		return err
	}
	replay, err := e.ReplaySQL(ctx, short)
	if err != nil {
		return err
	}
	name := filepath.Join("results", "model", fmt.Sprintf("%s-%d-%d", run.Violation.Name, run.Seed, run.Number))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	for ending, content := range map[string]string{".txt": text, ".steps": short.Script(), ".sql": replay} {
		if err := os.WriteFile(name+ending, []byte(content), 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("\n%s\nkept as %s.{txt,steps,sql}\n\n", text, name)
	return nil
}
