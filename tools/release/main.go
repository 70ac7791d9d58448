// Command release makes the files of a release: for each platform an archive
// and an SBOM, for Linux also a .deb and an .rpm, and SHA256SUMS. The same
// commit and the same Go version make the same bytes, in any folder and at any
// time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A release is one version of the program, with the folders for its files.
type release struct {
	root    string // of the repository
	out     string
	work    string // for intermediate files; removed at the end
	version version
	host    string // a binary that runs on this machine
}

// A target is a platform, in Go's names.
type target struct{ os, arch string }

func (t target) String() string { return t.os + "/" + t.arch }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	root := flags.String("root", "..", "the repository")
	out := flags.String("out", "", "write the files to this folder, which is emptied first (default ROOT/dist)")
	const all = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64"
	platforms := flags.String("targets", all, "build for these platforms, as OS/ARCH separated by commas")
	var given version
	flags.StringVar(&given.name, "version", "", "set the version, such as 0.1.0 (default: from git's tags)")
	flags.StringVar(&given.commit, "commit", "", "set the commit (default: from git)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	targets, err := parseTargets(*platforms)
	if err != nil {
		return err
	}
	r := &release{out: *out}
	if r.root, err = filepath.Abs(*root); err != nil {
		return err
	}
	if r.out == "" {
		r.out = filepath.Join(r.root, "dist")
	}
	if r.out, err = filepath.Abs(r.out); err != nil {
		return err
	}
	if r.version, err = findVersion(ctx, r.root, given); err != nil {
		return err
	}
	if r.work, err = os.MkdirTemp("", "holdfast-release-"); err != nil {
		return err
	}
	err = r.make(ctx, targets)
	return errors.Join(err, os.RemoveAll(r.work))
}

func parseTargets(platforms string) ([]target, error) {
	var targets []target
	for platform := range strings.SplitSeq(platforms, ",") {
		system, arch, ok := strings.Cut(platform, "/")
		if !ok {
			return nil, fmt.Errorf("-targets: %q is not OS/ARCH", platform)
		}
		targets = append(targets, target{system, arch})
	}
	return targets, nil
}

func (r *release) make(ctx context.Context, targets []target) error {
	// nfpm uses this time for all files.
	if err := os.Setenv("SOURCE_DATE_EPOCH", strconv.FormatInt(r.version.date.Unix(), 10)); err != nil {
		return err
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	// packaging/nfpm.yaml has paths relative to the repository.
	if err := os.Chdir(r.root); err != nil {
		return err
	}
	if err := r.makeTexts(ctx); err != nil {
		return err
	}
	for _, t := range targets {
		if err := r.makeTarget(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	return writeSums(r.out)
}

func (r *release) makeTarget(ctx context.Context, t target) error {
	binary, err := r.build(ctx, t)
	if err != nil {
		return err
	}
	if err := r.writeSBOM(t, binary); err != nil {
		return fmt.Errorf("writing the SBOM: %w", err)
	}
	licences, err := r.licences(ctx, binary)
	if err != nil {
		return fmt.Errorf("collecting licences: %w", err)
	}
	if err := r.writeArchive(t, binary, licences); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	if t.os != "linux" {
		return nil
	}
	return r.writePackages(t, licences)
}

// artifact returns the path of a file of the release.
func (r *release) artifact(t target, suffix string) string {
	return filepath.Join(r.out, fmt.Sprintf("holdfast_%s_%s_%s%s", r.version.name, t.os, t.arch, suffix))
}

// stamp is the date of everything in the release.
func (r *release) stamp() string { return r.version.date.Format(time.RFC3339) }
