// Command demo shows pgaf at work: it starts a monitor and two nodes on this machine,
// lets a client write all the time, switches over on request, kills the primary, and counts what
// the client lost. The cluster is left running.
//
//	go run ./regress/demo         (make demo)
//	go run ./regress/demo clean   (make demo-clean)
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"pgaf/regress/harness"
)

func main() { os.Exit(harness.Main(harness.ThisMachine, run)) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case len(os.Args) == 1:
		err = demo(ctx)
	case len(os.Args) == 2 && os.Args[1] == "clean":
		err = clean()
	default:
		err = fmt.Errorf("usage: demo [clean]")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		return 1
	}
	return 0
}
