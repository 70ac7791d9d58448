package holdfasttest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"testing"
)

// AsPostgres makes a program of PostgreSQL run as PostgreSQL's own user if the test
// runs as root, because PostgreSQL refuses to run as root. The user gets the folder
// that the program works in.
func AsPostgres(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	found, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	var ids [2]uint32
	for i, text := range []string{found.Uid, found.Gid} {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = uint32(id)
	}
	if err := os.Chown(cmd.Dir, int(ids[0]), int(ids[1])); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ids[0], Gid: ids[1]}}
}
