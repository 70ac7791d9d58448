package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// These variables make the test program act as another program.
const (
	machineVariable = "HOLDFAST_TEST_MACHINE" // the machine's root folder
	userVariable    = "HOLDFAST_TEST_USER"    // a user of the machine; empty means root
)

// standIns are the programs of a walk that act on the test's machine folder,
// and not on the real machine.
var standIns = map[string]func(root string, args []string) error{
	"sudo": standInSudo, "apt": standInApt, "holdfast": standInHoldfast,
}

// standIn acts as the program by whose name it was called.
func standIn(root string) (code int) {
	name := filepath.Base(os.Args[0])
	become, ok := standIns[name]
	if !ok {
		become = func(string, []string) error { return fmt.Errorf("there is no stand-in for %s", name) }
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, become(root, os.Args[1:]))
	return 1
}

// standInSudo runs a command with a separate environment, as sudo does.
func standInSudo(root string, args []string) error {
	environment := []string{"PATH=" + os.Getenv("PATH"), machineVariable + "=" + root}
	if len(args) > 1 && args[0] == "-u" {
		environment = append(environment, userVariable+"="+args[1])
		args = args[2:]
	}
	if len(args) == 0 {
		return fmt.Errorf("no command")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, args, environment)
}

// standInApt installs a file by dpkg.
func standInApt(root string, args []string) error {
	if len(args) != 2 || args[0] != "install" {
		return fmt.Errorf("the stand-in does not know apt %s", strings.Join(args, " "))
	}
	dpkg, err := exec.LookPath("dpkg")
	if err != nil {
		return err
	}
	line := slices.Concat([]string{"dpkg"}, dpkgOptions(root), []string{"--install", args[1]})
	return syscall.Exec(dpkg, line, os.Environ())
}

// standInHoldfast runs the installed program in the same folder.
func standInHoldfast(root string, args []string) error {
	name := os.Getenv(userVariable)
	if name == "" {
		name = "root"
	}
	as, err := user(root, name)
	if err != nil {
		return err
	}
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := syscall.Chroot(root); err != nil {
		return err
	}
	if err := os.Chdir("/" + strings.TrimPrefix(strings.TrimPrefix(folder, root), "/")); err != nil {
		return err
	}
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setgid(int(as.Gid)); err != nil {
		return err
	}
	if err := syscall.Setuid(int(as.Uid)); err != nil {
		return err
	}
	return syscall.Exec("/usr/bin/holdfast", append([]string{"holdfast"}, args...), os.Environ())
}
