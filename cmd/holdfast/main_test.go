package main

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test's binary run as holdfast, for scripts and for tests
// that start it as a process. PostgreSQL in tests does not wait for the disk.
func TestMain(m *testing.M) {
	os.Setenv("HOLDFAST_ACCEPT_DATA_LOSS", "true")
	testscript.Main(trailed{m}, map[string]func(){"holdfast": audited})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true, Setup: setupScript, Cmds: scriptCommands,
	})
}

// A number out of range is a usage error.
func TestMisusedNumbers(t *testing.T) {
	for _, most := range []string{"100000", "0", "-1", "many"} {
		var said bytes.Buffer
		args := []string{"tx", "list", "--data", t.TempDir(), "--max=" + most}
		if code := run(t.Context(), args, world{Out: &said, Err: &said, Now: time.Now}); code != exitMisused {
			t.Errorf("--max %s: exit code %d, want %d\n%s", most, code, exitMisused, &said)
		}
	}
}

// Secret files are read as editors and shells write them.
func TestReadKey(t *testing.T) {
	for text, want := range map[string]string{
		"secret": "secret", "secret\n": "secret", "secret\r\n": "secret", "\ufeffsecret\r\nmore": "secret",
		" secret\t \n": "secret",
	} {
		got, err := readKey(writeFile(t, "secret", []byte(text)))
		if err != nil || got != want {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "\n", "\ufeff\n", "  \n", "\xff\xfes\x00\n\x00"} {
		if got, err := readKey(writeFile(t, "secret", []byte(text))); err == nil {
			t.Errorf("%q is read as %q", text, got)
		}
	}
	// A password may begin or end with a blank.
	if got, err := readSecret(writeFile(t, "password", []byte("\ufeff two words \n"))); err != nil ||
		got != " two words " {
		t.Errorf("a password is read as %q, %v", got, err)
	}
}
