package main

// generatedCommands write what is made from this tree, and answer the scripts of
// completion. They are for packages, the build and shells; the tree hides them.
type generatedCommands struct {
	Complete internalCompleteCmd `cmd:"" help:"Answer a shell that completes a command line." example:"${prog} internal complete --shell bash -- ${prog} show st"`
	Docs     internalDocsCmd     `cmd:"" help:"Write commands.md into a folder." example:"${prog} internal docs ./docs"`
	Man      internalManCmd      `cmd:"" help:"Write the man pages into a folder." example:"${prog} internal man ./man"`
}
