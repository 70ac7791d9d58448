package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // the formats register themselves
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// writePackages writes the .deb and the .rpm that packaging/nfpm.yaml describes.
func (r *release) writePackages(t target, licences string) error {
	values := map[string]string{
		"VERSION": r.version.name, "ARCH": t.arch, "LICENCES": licences, "WORK": r.work,
	}
	config, err := nfpm.ParseFileWithEnvMapping("packaging/nfpm.yaml", func(name string) string { return values[name] })
	if err != nil {
		return fmt.Errorf("reading nfpm.yaml: %w", err)
	}
	for _, format := range []string{"deb", "rpm"} {
		if err := r.writePackage(&config, format); err != nil {
			return fmt.Errorf("writing the %s: %w", format, err)
		}
	}
	return nil
}

func (r *release) writePackage(config *nfpm.Config, format string) error {
	info, err := config.Get(format)
	if err != nil {
		return err
	}
	info.MTime = r.version.date
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(r.out, packager.ConventionalFileName(info)))
	if err != nil {
		return err
	}
	return errors.Join(packager.Package(info, file), file.Close())
}
