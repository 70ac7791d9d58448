package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Several processes may make one file at the same time. A link to a missing
// file is refused, so that nobody can choose where the secrets go.
func TestMakePrivate(t *testing.T) {
	dir := t.TempDir()
	path, link, target := filepath.Join(dir, "store"), filepath.Join(dir, "link"), filepath.Join(dir, "target")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := makePrivate(link); !errors.Is(err, os.ErrExist) {
		t.Errorf("a link to a missing file: %v", err)
	}
	if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link's target: %v", err)
	}
	errs := make(chan error)
	const processes = 20
	for range processes {
		go func() { errs <- makePrivate(path) }()
	}
	for range processes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != privateMode {
		t.Errorf("the file: %v, %v", info, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := makePrivate(path); err == nil {
		t.Error("a file that others can read was accepted")
	}
}
