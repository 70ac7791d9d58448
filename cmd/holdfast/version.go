package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
)

// A release build sets these with -ldflags "-X main.version=0.1.0 -X main.commit=… -X main.date=…".
// In other builds they are empty, and the build information of Go is used.
var (
	version string // without a v
	commit  string
	date    string // of the commit, RFC 3339
)

// A versionAnswer says what program this is, as --json prints it.
type versionAnswer struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from a work tree with changes that are not in the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// programVersion reads the variables above and Go's build information.
func programVersion() versionAnswer {
	a := versionAnswer{
		Version: version, Commit: commit, Date: date,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		a.fill(info)
	}
	a.Version = or(a.Version, "devel")
	return a
}

// fill sets the fields that the variables left empty from Go's build
// information.
func (a *versionAnswer) fill(info *debug.BuildInfo) {
	if info.Main.Version != "(devel)" {
		a.Version = or(a.Version, strings.TrimPrefix(info.Main.Version, "v"))
	}
	if a.Commit != "" {
		return // the other settings are about this commit
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			a.Commit = s.Value
		case "vcs.time":
			a.Date = or(a.Date, s.Value)
		case "vcs.modified":
			a.Modified = s.Value == "true"
		}
	}
}

func (a versionAnswer) print(to io.Writer) error {
	fmt.Fprintf(to, "holdfast %s\n", a.Version)
	commit := a.Commit
	if a.Modified {
		commit += ", modified"
	}
	return printFacts(to, []fact{{"commit", commit}, {"date", a.Date}, {"go", a.Go}, {"platform", a.Platform}})
}

type versionVerb struct {
	JSON bool `name:"json" help:"Print one line of JSON."`
}

func (v versionVerb) Run(w world) error {
	if v.JSON {
		return printJSON(w.Out, programVersion())
	}
	return programVersion().print(w.Out)
}
