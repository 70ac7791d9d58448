package holdfasttest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Promtool runs the tool of Prometheus with an input, and fails the test if the
// tool finds a fault or says anything on its error output. Without the tool it
// skips the test, or fails it under "make test", which installs the tool.
func Promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	switch {
	case err == nil:
	case os.Getenv("HOLDFAST_TEST_EXAMPLES") == "required":
		t.Fatal("promtool is missing: scripts/install-needs installs it")
	default:
		t.Skip("promtool is missing: make test installs it")
	}
	check := exec.CommandContext(t.Context(), program, args...)
	check.Stdin = strings.NewReader(input)
	var faults strings.Builder
	check.Stderr = &faults
	if said, err := check.Output(); err != nil || faults.Len() > 0 {
		t.Errorf("promtool %s: %v\n%s%s", strings.Join(args, " "), err, said, faults.String())
	}
}
