package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const unitPath = "/usr/lib/systemd/system/holdfast.service"

// settings returns the installed unit's values for a name, in order.
func settings(unit, name string) (values []string) {
	for line := range strings.Lines(unit) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok {
			values = append(values, value)
		}
	}
	return values
}

// service returns the server's command as the installed unit starts it: with
// its user, folder and command line, and its limits of system calls, memory and
// sockets. The environment overrides the installed settings.
func (m machine) service(environment ...string) *exec.Cmd {
	m.t.Helper()
	unit := m.read(unitPath)
	one := func(name string) string {
		values := settings(unit, name)
		if len(values) != 1 {
			m.t.Fatalf("the unit has %q for %s", values, name)
		}
		return values[0]
	}
	if one("MemoryDenyWriteExecute") != "yes" || one("SystemCallErrorNumber") != "EPERM" {
		m.t.Error("the test confines the server differently from its unit")
	}
	as, err := user(m.root, one("User"))
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.Command("python3", append([]string{
		filepath.Join(repository, "tests", "packages", "testdata", "confine.py"), m.root, one("WorkingDirectory"),
		strconv.FormatUint(uint64(as.Uid), 10), strconv.FormatUint(uint64(as.Gid), 10),
		strings.Join(allowedCalls(m.t, settings(unit, "SystemCallFilter")), ","),
		strings.ReplaceAll(one("RestrictAddressFamilies"), " ", ","),
	}, strings.Fields(one("ExecStart"))...)...)
	cmd.Env = environment
	return cmd
}

// allowedCalls returns the system calls that the lines of SystemCallFilter
// allow.
func allowedCalls(t *testing.T, filters []string) (calls []string) {
	t.Helper()
	for _, filter := range filters {
		names, not := strings.CutPrefix(filter, "~")
		for name := range strings.FieldsSeq(names) {
			some := callsOf(t, name)
			calls = slices.DeleteFunc(calls, func(call string) bool { return slices.Contains(some, call) })
			if !not {
				calls = append(calls, some...)
			}
		}
	}
	return calls
}

// callsOf returns the system calls of one of systemd's sets, or the single
// named call.
func callsOf(t *testing.T, name string) (calls []string) {
	t.Helper()
	if !strings.HasPrefix(name, "@") {
		return []string{name}
	}
	lines := strings.Split(output(t, "systemd-analyze", "syscall-filter", name), "\n")
	for _, line := range lines[1:] {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			calls = append(calls, callsOf(t, line)...)
		}
	}
	return calls
}

// wantConfined fails the test unless a process has a system call filter and
// cannot get new privileges. This proves that the stand-in for systemd confined
// it.
func wantConfined(t *testing.T, pid int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nSeccomp:\t2\n", "\nNoNewPrivs:\t1\n", "\nCapEff:\t0000000000000000\n"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("the server runs without %s", strings.TrimSpace(want))
		}
	}
}
