package packages

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is longer than any step takes on a busy machine.
const patience = time.Minute

// A machine is a folder with its own users, into which the .deb is installed.
// Its programs run with the folder as their root, so the paths in the unit, in
// the settings and in commands need no change.
type machine struct {
	t    *testing.T
	root string
}

// install lets dpkg install the package; its scripts create the user.
func install(t *testing.T, deb string) machine {
	t.Helper()
	m := emptyMachine(t)
	m.dpkg("--install", deb)
	return m
}

// emptyMachine makes a machine without the package.
func emptyMachine(t *testing.T) machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can install a package and run the server as its own user")
	}
	needs(t, "dpkg", "dpkg")
	needs(t, "systemctl", "systemd")
	needs(t, "python3", "python3")
	m := machine{t, t.TempDir()}
	for _, folder := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "root", "tmp"} {
		if err := os.MkdirAll(filepath.Join(m.root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(m.root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return m
}

// dpkg runs dpkg on the machine, without the package's dependencies.
func (m machine) dpkg(args ...string) string {
	m.t.Helper()
	return output(m.t, "dpkg", append(dpkgOptions(m.root), args...)...)
}

func dpkgOptions(root string) []string {
	return []string{"--root=" + root, "--force-script-chrootless", "--force-depends"}
}

func (m machine) path(name string) string { return filepath.Join(m.root, name) }

func (m machine) read(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

// user finds a user in the machine's own list.
func user(root, name string) (*syscall.Credential, error) {
	if name == "root" {
		return &syscall.Credential{}, nil
	}
	list, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(list)) {
		columns := strings.Split(line, ":")
		if columns[0] != name || len(columns) < 4 {
			continue
		}
		uid, err := strconv.ParseUint(columns[2], 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(columns[3], 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("the machine has no user %s", name)
}

// command returns a command line on the machine, run as a user in a folder.
func command(root, userName, folder string, line ...string) (*exec.Cmd, error) {
	as, err := user(root, userName)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: as}
	return cmd, nil
}

// holdfast runs the installed program as the server's user.
func (m machine) holdfast(input string, args ...string) []byte {
	m.t.Helper()
	cmd, err := command(m.root, "holdfast", "/", append([]string{"/usr/bin/holdfast"}, args...)...)
	if err != nil {
		m.t.Fatal(err)
	}
	var wrong bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &wrong
	out, err := cmd.Output()
	if err != nil {
		m.t.Fatalf("holdfast %s: %v\n%s", strings.Join(args, " "), err, wrong.String())
	}
	return out
}

// answer runs a command that prints JSON.
func (m machine) answer(to any, input string, args ...string) {
	m.t.Helper()
	if err := json.Unmarshal(m.holdfast(input, append(args, "--json")...), to); err != nil {
		m.t.Fatal(err)
	}
}

var listening = regexp.MustCompile(`msg=serving .*listen=(\S+)`)

// start starts the server and returns its address, read from its log. The
// server ends with the test.
func (m machine) start() (address string) {
	m.t.Helper()
	cmd := m.service("HOLDFAST_LISTEN=127.0.0.1:0")
	log, err := cmd.StderrPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	lines := bufio.NewReader(log)
	m.t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			m.t.Errorf("stopping the server: %v", err)
		}
		rest, reading := io.ReadAll(lines)
		if err := errors.Join(reading, cmd.Wait()); err != nil {
			m.t.Errorf("the server ends with %v:\n%s", err, rest)
		}
	})
	watchdog := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	var said strings.Builder
	for {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if found := listening.FindStringSubmatch(line); found != nil {
			wantConfined(m.t, cmd.Process.Pid)
			return found[1]
		}
		if err != nil {
			m.t.Fatalf("the server does not start:\n%s", said.String())
		}
	}
}
