package main

import (
	"context"
	"fmt"
	"strings"

	"pgaf/regress/model"
)

// script prints what happens in a script, step by step; with the mistakes whose names contain c.only, where that is set.
func (c *checker) script(ctx context.Context, path string) error {
	config, steps, err := model.ReadScript(path)
	if err != nil {
		return err
	}
	var mistakes []string
	for _, m := range model.Mutations {
		if c.only != "" && strings.Contains(m.Name, c.only) {
			mistakes = append(mistakes, m.Script())
		}
	}
	e, err := c.server.NewExplorer(ctx, mistakes...)
	if err != nil {
		return err
	}
	defer e.Close(ctx)
	broken, used, err := e.Replay(ctx, config, steps, nil)
	if err != nil {
		return err
	}
	text, err := e.Transcript(ctx, &model.Run{Config: config, Steps: steps[:used], Violation: broken})
	fmt.Println(text)
	if broken != nil {
		c.failed++
	} else {
		c.passed++
	}
	return err
}
