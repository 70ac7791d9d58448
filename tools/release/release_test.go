package main

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// A version's name begins with the last tag. So packages of later commits are
// newer than the tagged package and older than the next one.
func TestVersionComesFromGit(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	folder := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		as := []string{"-C", folder, "-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}
		cmd := exec.Command("git", append(as, args...)...)
		cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE=2026-09-21T14:13:20Z", "GIT_CONFIG_GLOBAL=/dev/null")
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, said)
		}
	}
	want := func(name string) {
		t.Helper()
		got, err := findVersion(t.Context(), folder, version{})
		if err != nil {
			t.Fatal(err)
		}
		short := got.commit[:7]
		if named := strings.ReplaceAll(name, "COMMIT", short); got.name != named || got.date.Unix() != 1790000000 {
			t.Errorf("the version is %+v, want %s", got, named)
		}
	}
	run("init", "--quiet")
	run("commit", "--quiet", "--allow-empty", "--message=first")
	want("0.0.0+1.gCOMMIT")
	run("tag", "v0.1.0")
	want("0.1.0")
	run("tag", "other")
	run("commit", "--quiet", "--allow-empty", "--message=second")
	want("0.1.0+1.gCOMMIT")
	if err := os.WriteFile(filepath.Join(folder, "file"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("add", "file")
	want("0.1.0+1.gCOMMIT.dirty")

	t.Setenv("SOURCE_DATE_EPOCH", "1790000000")
	given, err := findVersion(t.Context(), t.TempDir(), version{name: "v2.0.0-rc.1", commit: "abc"})
	if err != nil || given.name != "2.0.0-rc.1" || given.date.Unix() != 1790000000 {
		t.Errorf("without git, the version is %+v (%v)", given, err)
	}
}

// A binary is not released if the origin of a module is unknown or its licence
// is missing.
func TestUnknownOriginsFail(t *testing.T) {
	r := &release{version: version{name: "1.0.0"}}
	dep := &debug.Module{Path: "example.com/a", Version: "v1.0.0", Replace: &debug.Module{Path: "../a"}}
	info := &buildinfo.BuildInfo{
		GoVersion: "go1.26.0", Main: debug.Module{Path: "example.com/main"}, Deps: []*debug.Module{dep},
	}
	if _, err := r.bom(info, nil); err == nil {
		t.Error("a replaced module has an entry in the SBOM")
	}
	dep.Replace = nil
	if _, err := r.bom(info, nil); err == nil {
		t.Error("a module without a checksum has an entry in the SBOM")
	}
	var text strings.Builder
	if err := addLicences(&text, "example.com/a v1.0.0", t.TempDir()); err == nil {
		t.Errorf("a module without a licence passes:\n%s", &text)
	}
}
