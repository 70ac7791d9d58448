package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// build compiles one binary. It ignores Go's environment variables, so that
// every machine makes the same binary.
func (r *release) build(ctx context.Context, t target) (path string, err error) {
	path = filepath.Join(r.work, t.os+"-"+t.arch, "holdfast")
	if path == r.host {
		return path, nil
	}
	flags := []string{
		"-s", "-w", "-buildid=",
		"-X main.version=" + r.version.name, "-X main.commit=" + r.version.commit, "-X main.date=" + r.stamp(),
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly",
		"-ldflags", strings.Join(flags, " "), "-o", path, "./cmd/holdfast")
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch,
		"GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off", "GOFIPS140=off")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build: %w", err)
	}
	return path, nil
}

// completions maps each shell to the name of its completion script.
var completions = map[string]string{"bash": "holdfast.bash", "zsh": "_holdfast", "fish": "holdfast.fish"}

// The printed configuration's line for the store, and the packages' line. Their
// service keeps the store in systemd's folder.
const (
	printedStore  = "#store = holdfast.db\n"
	packagedStore = "store = /var/lib/holdfast/holdfast.db\n"
)

// makeTexts lets the program write its completions, manual pages and settings
// into separate folders.
func (r *release) makeTexts(ctx context.Context) (err error) {
	if r.host, err = r.build(ctx, target{runtime.GOOS, runtime.GOARCH}); err != nil {
		return err
	}
	for _, folder := range []string{"completions", "man", "man-gz"} {
		if err := os.Mkdir(filepath.Join(r.work, folder), 0o755); err != nil {
			return err
		}
	}
	for shell, name := range completions {
		if err := r.printed(ctx, filepath.Join("completions", name), "completion", shell); err != nil {
			return err
		}
	}
	if err := r.printed(ctx, "holdfast.conf", "config", "serve"); err != nil {
		return err
	}
	if err := r.packageConfig(); err != nil {
		return err
	}
	if err := exec.CommandContext(ctx, r.host, "man", filepath.Join(r.work, "man")).Run(); err != nil {
		return fmt.Errorf("holdfast man: %w", err)
	}
	return r.compressMan()
}

// printed writes the program's output to a file.
func (r *release) printed(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, r.host, args...).Output()
	if err != nil {
		return fmt.Errorf("holdfast %s: %w", strings.Join(args, " "), err)
	}
	return os.WriteFile(filepath.Join(r.work, name), out, 0o644)
}

// packageConfig writes the settings for the packages' service.
func (r *release) packageConfig() error {
	text, err := os.ReadFile(filepath.Join(r.work, "holdfast.conf"))
	if err != nil {
		return err
	}
	if bytes.Count(text, []byte(printedStore)) != 1 {
		return fmt.Errorf("holdfast config serve does not print the line %q", printedStore)
	}
	text = bytes.Replace(text, []byte(printedStore), []byte(packagedStore), 1)
	return os.WriteFile(filepath.Join(r.work, "packaged.conf"), text, 0o644)
}

// compressMan compresses the manual pages, as distributions require.
func (r *release) compressMan() error {
	pages, err := filepath.Glob(filepath.Join(r.work, "man", "*"))
	if err != nil {
		return err
	}
	if len(pages) == 0 {
		return fmt.Errorf("holdfast man wrote nothing")
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		name := filepath.Join(r.work, "man-gz", filepath.Base(page)+".gz")
		if err := os.WriteFile(name, packed.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
