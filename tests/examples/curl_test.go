package examples

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// The user's locale does not change how parameters are sorted. If the locale is
// not installed, sort would work without it, so the test also asks what programs
// see.
func TestCurlSortsBytes(t *testing.T) {
	curl := examples[0]
	curl.needTools(t)
	script := "unset LC_ALL; export LANG=en_US.UTF-8; . ./holdfast.sh; canonical a=1 B=2; printenv LC_ALL"
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir = filepath.Join(folder, curl.name)
	out, err := cmd.CombinedOutput()
	if want := "B=2&a=1\nC\n"; err != nil || string(out) != want {
		t.Errorf("bash prints %q (%v), want %q", out, err, want)
	}
}
