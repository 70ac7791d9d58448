// Package packages tests the files of a release. It makes a release for this
// machine, compares it with a second one byte by byte, installs it, and buys
// something with it.
package packages

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// The version, commit and date of the release under test.
const (
	releaseVersion = "1.2.3"
	releaseCommit  = "0123456789abcdef0123456789abcdef01234567"
	releaseEpoch   = "1790000000" // 2026-09-21
)

var (
	repository string // the absolute path of the module
	scratch    string // a folder that outlives the tests
)

func TestMain(m *testing.M) {
	if root := os.Getenv(machineVariable); root != "" {
		os.Exit(standIn(root))
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if repository, err = filepath.Abs("../.."); err != nil {
		panic(err)
	}
	if scratch, err = os.MkdirTemp("", "holdfast-packages-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(scratch)
	return m.Run()
}

// A release is a folder with the files that tools/release made for this
// machine.
type release struct{ folder string }

var madeRelease = sync.OnceValues(func() (release, error) {
	return makeRelease(repository, filepath.Join(scratch, "dist"))
})

// made returns the release under test. The first test that calls it makes the
// release.
func made(t *testing.T) release {
	t.Helper()
	if testing.Short() {
		t.Skip("making a release takes a minute")
	}
	if runtime.GOOS != "linux" {
		t.Skip("packages are for Linux")
	}
	r, err := madeRelease()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// makeRelease makes a release of the repository in a folder, for this machine's
// platform.
func makeRelease(root, out string, more ...string) (release, error) {
	cmd := exec.Command("go", "run", "-C", "tools", "./release", "-root", "..", "-out", out,
		"-targets", "linux/"+runtime.GOARCH, "-version", releaseVersion, "-commit", releaseCommit)
	cmd.Dir = root
	cmd.Env = append(append(os.Environ(), "SOURCE_DATE_EPOCH="+releaseEpoch), more...)
	said, err := cmd.CombinedOutput()
	if err != nil {
		return release{}, &releaseError{string(said), err}
	}
	return release{out}, nil
}

type releaseError struct {
	said string
	err  error
}

func (f *releaseError) Error() string { return "making a release: " + f.err.Error() + "\n" + f.said }
func (f *releaseError) Unwrap() error { return f.err }

// file returns the only file of the release that matches a pattern.
func (r release) file(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(r.folder, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("the release has %q for %s (%v)", found, pattern, err)
	}
	return found[0]
}

func (r release) archive(t *testing.T) string {
	t.Helper()
	return r.file(t, "holdfast_"+releaseVersion+"_linux_*.tar.gz")
}

func (r release) deb(t *testing.T) string  { t.Helper(); return r.file(t, "*.deb") }
func (r release) rpm(t *testing.T) string  { t.Helper(); return r.file(t, "*.rpm") }
func (r release) sbom(t *testing.T) string { t.Helper(); return r.file(t, "*.cdx.json") }

// needs skips a test if a program of a Debian package is missing.
// scripts/install-needs installs these packages.
func needs(t *testing.T, program, debian string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed: apt-get install %s", program, debian)
	}
}

// output runs a program and returns what it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	var wrong bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &wrong
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, wrong.String())
	}
	return string(out)
}
