package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"pgaf/regress/model"
)

// findings replays what walks have found before: none of it may come back.
func (c *checker) findings(ctx context.Context) error {
	files, err := filepath.Glob(filepath.Join(testdata, "*.steps"))
	if err != nil || len(files) == 0 {
		return errors.Join(errors.New("no scripts in "+testdata+"; run this in the source tree"), err)
	}
	e, err := c.server.NewExplorer(ctx)
	if err != nil {
		return err
	}
	defer e.Close(ctx)
	fmt.Printf("Found before, and mended\n\n")
	for _, file := range files {
		config, steps, err := model.ReadScript(file)
		if err != nil {
			return err
		}
		broken, used, err := e.Replay(ctx, config, steps, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".steps"), "_", " ")
		if broken != nil {
			c.fail("%s: %v", name, broken)
			if err := c.show(ctx, e, &model.Run{Config: config, Steps: steps[:used], Violation: broken}); err != nil {
				return err
			}
			continue
		}
		c.pass()
		fmt.Printf("ok      %-46s %3d steps\n", name, len(steps))
	}
	return nil
}

const testdata = "regress/model/testdata"
