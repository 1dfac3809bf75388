package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// checkFiles refuses options that name a file which cannot be read; files maps
// the options to the names.
func checkFiles(files map[string]string) error {
	for _, option := range slices.Sorted(maps.Keys(files)) {
		name := files[option]
		if name == "" {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return usageError("name a file that exists and that this user may read", "option %s: %v", option, err)
		}
		info, err := f.Stat()
		f.Close()
		if err == nil && info.IsDir() {
			return usageError("name a file", "option %s: %s is a folder", option, name)
		}
	}
	return nil
}

// makeAbsolute makes a given file name independent of the current folder.
func makeAbsolute(name *string) error {
	if *name == "" {
		return nil
	}
	absolute, err := filepath.Abs(*name)
	if err != nil {
		return failure(exitInternal, "", "find the absolute path of %s: %w", *name, err)
	}
	*name = absolute
	return nil
}
