package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestVersionFromBuildInfo(t *testing.T) {
	fromGit := func(module string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: module}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "c0ffee"},
			{Key: "vcs.time", Value: "2026-11-30T00:00:00Z"},
			{Key: "vcs.modified", Value: "true"},
		}}
	}
	built := func(module string) *debug.BuildInfo { return &debug.BuildInfo{Main: debug.Module{Version: module}} }
	for _, row := range []struct {
		name        string
		given, want versionAnswer
		info        *debug.BuildInfo
	}{
		{
			"go build in a clone",
			versionAnswer{},
			versionAnswer{Version: "0.2.0", Commit: "c0ffee", Date: "2026-11-30T00:00:00Z", Modified: true},
			fromGit("v0.2.0"),
		},
		{
			"a release",
			versionAnswer{Version: "0.1.0", Commit: "f00d", Date: "2026-12-01T00:00:00Z"},
			versionAnswer{Version: "0.1.0", Commit: "f00d", Date: "2026-12-01T00:00:00Z"},
			fromGit("v0.2.0"),
		},
		{"go run without git", versionAnswer{}, versionAnswer{}, built("(devel)")},
		{"go install", versionAnswer{}, versionAnswer{Version: "0.1.0"}, built("v0.1.0")},
	} {
		row.given.fill(row.info)
		if diff := cmp.Diff(row.want, row.given); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestVersion(t *testing.T) {
	said := func(args ...string) string {
		var out bytes.Buffer
		if code := run(t.Context(), args, world{Out: &out, Err: &out, Now: time.Now}); code != exitFine {
			t.Errorf("%v: exit code %d", args, code)
		}
		return out.String()
	}
	text := said("version")
	if !strings.HasPrefix(text, "holdfast ") || !strings.Contains(text, runtime.Version()) ||
		!strings.Contains(text, runtime.GOOS+"/"+runtime.GOARCH) {
		t.Errorf("holdfast version says %q", text)
	}
	if got := said("--version"); got != text {
		t.Errorf("holdfast --version says %q, holdfast version says %q", got, text)
	}
	var answer versionAnswer
	if err := json.Unmarshal([]byte(said("version", "--json")), &answer); err != nil || answer != programVersion() {
		t.Errorf("JSON has %+v, %v", answer, err)
	}
}

// A release names its version by the linker's -X.
func TestVersionOfARelease(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	program := filepath.Join(t.TempDir(), "holdfast")
	flags := "-X main.version=9.8.7 -X main.commit=c0ffee -X main.date=2026-11-30T00:00:00Z"
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags", flags, "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	out, err := exec.Command(program, "--version").Output()
	want := "holdfast 9.8.7\ncommit    c0ffee\ndate      2026-11-30T00:00:00Z\ngo        " + runtime.Version() + "\n"
	if err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("the program says %q, %v, want %q", out, err, want)
	}
}
