package packages

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A second release of the same files, made in another folder, has the same
// bytes. With HOLDFAST_REPRODUCE=1 Go compiles everything again, which takes
// some minutes; otherwise it only links again.
func TestReleaseIsReproducible(t *testing.T) {
	first := made(t)
	copied := filepath.Join(t.TempDir(), "elsewhere")
	copyRepository(t, copied)
	environment := []string{"TZ=Asia/Tokyo", "LC_ALL=de_DE.UTF-8", "TMPDIR=" + t.TempDir(), "GOFLAGS=-buildvcs=false"}
	if os.Getenv("HOLDFAST_REPRODUCE") == "1" {
		environment = append(environment, "GOCACHE="+t.TempDir())
	}
	second, err := makeRelease(copied, filepath.Join(t.TempDir(), "dist"), environment...)
	if err != nil {
		t.Fatal(err)
	}
	names := filesBelow(t, first.folder)
	if again := filesBelow(t, second.folder); len(again) != len(names) {
		t.Errorf("the first release has %q, the second %q", names, again)
	}
	for _, name := range names {
		one, err := os.ReadFile(filepath.Join(first.folder, name))
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(second.folder, name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(one, other) {
			t.Errorf("%s differs from one folder to another", name)
		}
	}
}

// copyRepository copies everything except git's own files and build results.
func copyRepository(t *testing.T, to string) {
	t.Helper()
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(repository, path)
		if err != nil {
			return err
		}
		switch {
		case name == ".git" || name == "dist" || name == "bin" || name == "screenshots":
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o600)
	})
	if err != nil {
		t.Fatalf("copying the repository: %v", err)
	}
}

// filesBelow returns the regular files of a folder and its subfolders, sorted.
func filesBelow(t *testing.T, folder string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
