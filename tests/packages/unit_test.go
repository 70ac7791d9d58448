package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The highest exposure that systemd may report, in tenths: 0 is none, 100 is
// complete. The remaining exposure is the network, which a server needs.
const (
	exposureMax     = "15"
	portExposureMax = "25" // with the capability for ports below 1024
)

// systemd accepts the unit and its examples without a warning, and reports a
// low exposure.
func TestUnitIsConfined(t *testing.T) {
	needs(t, "systemd-analyze", "systemd")
	for _, row := range []struct{ dropIn, exposure string }{
		{"", exposureMax},
		{"seal-key.conf", exposureMax},
		{"low-ports.conf", portExposureMax},
	} {
		unit := unitFile(t, row.dropIn)
		cmd := exec.Command("systemd-analyze", "verify", "--man=no", unit)
		if said, err := cmd.CombinedOutput(); err != nil || len(said) > 0 {
			t.Errorf("systemd-analyze verify, with %q: %v\n%s", row.dropIn, err, said)
		}
		cmd = exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+row.exposure, unit)
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("with %q the service is too exposed: %v\n%s", row.dropIn, err, said)
		}
	}
}

// The check above fails for a unit that is not confined.
func TestUnitCheckTells(t *testing.T) {
	needs(t, "systemd-analyze", "systemd")
	unit := filepath.Join(t.TempDir(), "open.service")
	if err := os.WriteFile(unit, []byte("[Service]\nExecStart=/bin/true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+portExposureMax, unit)
	if err := cmd.Run(); err == nil {
		t.Error("systemd finds an unconfined service well confined")
	}
}

// unitFile writes the unit with one of the examples added. It names a program
// that exists on this machine.
func unitFile(t *testing.T, dropIn string) (path string) {
	t.Helper()
	folder := t.TempDir()
	text, err := os.ReadFile(filepath.Join(repository, "packaging", "holdfast.service"))
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(folder, "holdfast.service")
	here := strings.Replace(string(text), "ExecStart=/usr/bin/holdfast ", "ExecStart="+program+" ", 1)
	if err := os.WriteFile(path, []byte(here), 0o600); err != nil {
		t.Fatal(err)
	}
	if dropIn == "" {
		return path
	}
	added, err := os.ReadFile(filepath.Join(repository, "packaging", "examples", dropIn))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".d", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path+".d", dropIn), added, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
