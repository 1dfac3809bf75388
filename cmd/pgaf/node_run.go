package main

import (
	"context"
	"os"

	"pgaf/keeper/nodefile"
)

type nodeRunCmd struct{ nodeFileArg }

func (c *nodeRunCmd) Run(a *app) error {
	f, exists, err := c.readToCreate(a)
	if err != nil {
		return err
	}
	if !exists {
		if f, err = c.await(a, f, "create", func(f *nodefile.File) bool { return f.LaunchCreate == nodefile.Deferred }); f == nil {
			return err
		}
		if f.LaunchRun == nodefile.Deferred {
			if err := f.Create(context.Background(), a.nodeProgram(), false); err != nil {
				return err
			}
			exists = true
		}
	}
	if exists {
		if f, err = c.await(a, f, "run", func(f *nodefile.File) bool { return f.LaunchRun == nodefile.Deferred }); f == nil {
			return err
		}
	}
	// Also for the program that replaces this one.
	os.Setenv(nodefile.PathVariable, f.Path)
	defer a.watchNodeFile()()
	if !exists {
		return f.Create(context.Background(), a.nodeProgram(), true)
	}
	return f.Run(context.Background(), a.nodeProgram())
}

// await waits for a step that is deferred. The file is nil when the wait was ended by a
// signal, as a container is.
func (c *nodeRunCmd) await(a *app, f *nodefile.File, step string, deferred func(*nodefile.File) bool) (*nodefile.File, error) {
	ctx, stop := a.interruptible()
	defer stop()
	f, err := nodefile.AwaitLaunch(ctx, f, step, deferred, a.log)
	if ctx.Err() != nil {
		return nil, nil
	}
	return f, err
}

// watchNodeFile lets the service follow its node file, when it has one.
func (a *app) watchNodeFile() (stop func()) {
	path := os.Getenv(nodefile.PathVariable)
	if path == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		nodefile.Watch(ctx, path, a.log)
	}()
	return func() {
		cancel()
		<-done
	}
}
