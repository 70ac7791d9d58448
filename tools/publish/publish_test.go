// Package publish checks the files for GitHub that no other test runs:
// workflows, forms and release notes.
package publish

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

func read(t *testing.T, path string, into any) {
	t.Helper()
	file, err := os.Open(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

func glob(t *testing.T, pattern string) (paths []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	for _, path := range found {
		path, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// A workflow has the keys that our workflows use. Any other key is a mistake,
// or must be added here.
type workflow struct {
	Name        string
	On          map[string]any
	Permissions map[string]string
	Concurrency map[string]any
	Jobs        map[string]struct {
		RunsOn      string `yaml:"runs-on"`
		Container   string
		Needs       []string
		Timeout     int `yaml:"timeout-minutes"`
		Permissions map[string]string
		Env         map[string]string
		Steps       []struct {
			Uses string
			Run  string
			With map[string]any
			Env  map[string]string
		}
	}
}

var (
	pinned     = regexp.MustCompile(`^actions/[a-z-]+@v\d+\.\d+\.\d+$`)
	makeTarget = regexp.MustCompile(`^make ([a-z-]+)$`)
	script     = regexp.MustCompile(`^(\.ci/run|scripts/[a-z-]+)\b`)
)

func TestWorkflows(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	var runs []string
	for _, path := range glob(t, ".github/workflows/*") {
		var w workflow
		read(t, path, &w)
		if w.Name == "" || len(w.On) == 0 || w.Permissions["contents"] != "read" || len(w.Permissions) != 1 {
			t.Errorf("%s: a workflow needs a name, a trigger, and only the permission to read", path)
		}
		for name, job := range w.Jobs {
			if job.Timeout == 0 || job.RunsOn == "" {
				t.Errorf("%s: job %s has no timeout or no runner", path, name)
			}
			for _, need := range job.Needs {
				if _, ok := w.Jobs[need]; !ok {
					t.Errorf("%s: job %s needs %s, which does not exist", path, name, need)
				}
			}
			for _, step := range job.Steps {
				if (step.Uses == "") == (step.Run == "") {
					t.Errorf("%s: a step of job %s uses %q and runs %q", path, name, step.Uses, step.Run)
				}
				if step.Uses != "" && !pinned.MatchString(step.Uses) {
					t.Errorf("%s: %s is not pinned by its full version", path, step.Uses)
				}
				runs = append(runs, step.Run)
				checkRun(t, path, step.Run, string(makefile))
			}
		}
	}
	for _, want := range []string{".ci/run", "make nightly", "make vuln", "make release"} {
		if !slices.Contains(runs, want) {
			t.Errorf("no workflow runs %s", want)
		}
	}
}

// checkRun checks that the make targets and scripts of a command exist.
func checkRun(t *testing.T, path, run, makefile string) {
	t.Helper()
	if target := makeTarget.FindStringSubmatch(run); target != nil {
		if !regexp.MustCompile(`(?m)^` + target[1] + `:`).MatchString(makefile) {
			t.Errorf("%s: there is no make target %s", path, target[1])
		}
	} else if strings.Contains(run, "make ") {
		t.Errorf("%s: %q: make needs its own step", path, run)
	}
	if name := script.FindString(run); name != "" {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s: %s cannot be run: %v", path, name, err)
		}
	}
}

func TestDependabot(t *testing.T) {
	var config struct {
		Version int
		Updates []struct {
			Ecosystem string `yaml:"package-ecosystem"`
			Directory string
			Schedule  map[string]string
			Groups    map[string]struct{ Patterns []string }
		}
	}
	read(t, ".github/dependabot.yml", &config)
	var watched []string
	for _, u := range config.Updates {
		watched = append(watched, u.Ecosystem+" "+u.Directory)
		if u.Schedule["interval"] != "weekly" {
			t.Errorf("%s %s has the schedule %v", u.Ecosystem, u.Directory, u.Schedule)
		}
	}
	if config.Version != 2 || !slices.Contains(watched, "github-actions /") {
		t.Errorf("version %d watches %v", config.Version, watched)
	}
	// Dependabot watches every module of the repository.
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "go.mod" {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		want := "gomod " + filepath.Join("/", folder)
		if err == nil && !slices.Contains(watched, want) {
			t.Errorf("nothing watches %s: %v", want, watched)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A form has the keys of GitHub's issue forms.
type form struct {
	Name, Description string
	Labels            []string
	Body              []struct {
		Type, ID   string
		Attributes struct {
			Label, Description, Value, Render string
			Options                           []string
		}
		Validations struct{ Required bool }
	}
}

func TestIssueForms(t *testing.T) {
	var names []string
	for _, path := range glob(t, ".github/ISSUE_TEMPLATE/*") {
		if filepath.Base(path) == "config.yml" {
			continue
		}
		var f form
		read(t, path, &f)
		names = append(names, f.Name)
		if f.Name == "" || f.Description == "" || len(f.Body) == 0 {
			t.Errorf("%s has no name, description or body", path)
		}
		seen := map[string]bool{}
		for _, part := range f.Body {
			known := slices.Contains([]string{"markdown", "textarea", "input", "dropdown"}, part.Type)
			text := part.Type == "markdown"
			if !known || text != (part.Attributes.Value != "") || text == (part.Attributes.Label != "") {
				t.Errorf("%s: a part of type %q with label %q", path, part.Type, part.Attributes.Label)
			}
			if part.Type != "markdown" && (part.ID == "" || seen[part.ID]) {
				t.Errorf("%s: the id %q is empty or used twice", path, part.ID)
			}
			if (part.Type == "dropdown") != (len(part.Attributes.Options) > 0) {
				t.Errorf("%s: %s has options %v", path, part.ID, part.Attributes.Options)
			}
			seen[part.ID] = true
		}
	}
	if want := []string{"Bug", "Feature", "Question"}; !slices.Equal(names, want) {
		t.Errorf("the forms are %v, want %v", names, want)
	}
	var config struct {
		Blank    bool                                `yaml:"blank_issues_enabled"`
		Contacts []struct{ Name, URL, About string } `yaml:"contact_links"`
	}
	read(t, ".github/ISSUE_TEMPLATE/config.yml", &config)
	if len(config.Contacts) != 1 || !strings.Contains(config.Contacts[0].URL, "/security/advisories/new") {
		t.Errorf("contacts are %+v", config.Contacts)
	}
}

func TestReleaseNotes(t *testing.T) {
	changelog, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	versions := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\]`).FindAllStringSubmatch(string(changelog), -1)
	if len(versions) == 0 {
		t.Fatal("CHANGELOG.md has no version")
	}
	for _, v := range versions {
		out, err := exec.Command(filepath.Join(root, "scripts/release-notes"), "v"+v[1]).Output()
		if err != nil || !strings.Contains(string(out), "\n- ") || strings.Contains(string(out), "\n## ") {
			t.Errorf("the notes of %s: %v\n%.300s", v[1], err, out)
		}
	}
	out, err := exec.Command(filepath.Join(root, "scripts/release-notes"), "v99.0.0").CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 1 || !strings.Contains(string(out), "nothing about 99.0.0") {
		t.Errorf("the notes of an unknown version: %v\n%s", err, out)
	}
}

func TestLicence(t *testing.T) {
	licence, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	first, last := "Version 2.0, January 2004", "END OF TERMS"
	if err != nil || !strings.Contains(string(licence), first) || !strings.Contains(string(licence), last) {
		t.Errorf("LICENSE is not the Apache License 2.0: %v", err)
	}
	notice, err := os.ReadFile(filepath.Join(root, "NOTICE"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range regexp.MustCompile(`(?m)^(internal|tests)/\S+`).FindAllString(string(notice), -1) {
		path = strings.TrimSuffix(path, ",")
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Errorf("NOTICE names %s: %v", path, err)
		}
	}
}
