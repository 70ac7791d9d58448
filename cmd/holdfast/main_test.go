package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test's own binary answer to the name holdfast, for
// scripts and for tests that start it as a process. PostgreSQL for tests waits
// for no disk.
func TestMain(m *testing.M) {
	os.Setenv("HOLDFAST_ACCEPT_DATA_LOSS", "true")
	testscript.Main(m, map[string]func(){"holdfast": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true, Setup: setupScript, Cmds: scriptCommands,
	})
}
