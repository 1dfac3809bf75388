package main

import "path/filepath"

// internalDocsCmd writes docs/commands.md; make docs calls it.
type internalDocsCmd struct {
	Dir string `arg:"" name:"dir" help:"Folder to write commands.md into; made when it does not exist."`
}

func (c *internalDocsCmd) Run(a *app) error {
	return writeFiles(filepath.Clean(c.Dir), map[string]string{"commands.md": commandsMarkdown(a.parser.Model.Node)})
}
