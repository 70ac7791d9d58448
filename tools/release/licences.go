package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// licenceName matches the names of licence and notice files.
var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|copyright|patents)([.-].*)?$`)

// licences writes the licences of all modules of a binary into one file, because
// most licences must be distributed with the binary.
func (r *release) licences(ctx context.Context, binary string) (path string, err error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString("holdfast contains the following software of others, under the terms that follow each name.\n")
	goroot, err := r.goTool(ctx, "env", "GOROOT")
	if err != nil {
		return "", err
	}
	if err := addLicences(&text, "The Go standard library, "+info.GoVersion, strings.TrimSpace(goroot)); err != nil {
		return "", err
	}
	query := []string{"list", "-m", "-f", "{{.Dir}}"}
	for _, dep := range info.Deps {
		query = append(query, dep.Path)
	}
	found, err := r.goTool(ctx, query...)
	if err != nil {
		return "", err
	}
	folders := strings.Split(strings.TrimSpace(found), "\n")
	if len(folders) != len(info.Deps) {
		return "", fmt.Errorf("go list knows %d of %d modules", len(folders), len(info.Deps))
	}
	for i, dep := range info.Deps {
		if err := addLicences(&text, dep.Path+" "+dep.Version, folders[i]); err != nil {
			return "", err
		}
	}
	path = filepath.Join(filepath.Dir(binary), "THIRD-PARTY.txt")
	return path, os.WriteFile(path, []byte(text.String()), 0o644)
}

func (r *release) goTool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stderr = r.root, os.Stderr
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", args[0], err)
	}
	return string(out), nil
}

func addLicences(to *strings.Builder, name, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	some := false
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !licenceName.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(to, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("-", 79), name, entry.Name(), strings.TrimSpace(string(text)))
		some = true
	}
	if !some {
		return fmt.Errorf("%s has no licence in %s", name, folder)
	}
	return nil
}
