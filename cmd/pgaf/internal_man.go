package main

import (
	"os"
	"path/filepath"
)

// internalManCmd writes the man pages, for a package to hold.
type internalManCmd struct {
	Dir string `arg:"" name:"dir" help:"Folder to write pgaf.1, pgaf-create.1 and so on into; made when it does not exist."`
}

func (c *internalManCmd) Run(a *app) error {
	return writeFiles(c.Dir, manPages(a.parser.Model.Node))
}

// writeFiles writes files by name into dir.
func writeFiles(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return failure(exitInternal, "name a folder that you may write into", "%w", err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return failure(exitInternal, "name a folder that you may write into", "%w", err)
		}
	}
	return nil
}
