package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A packed is a file of an archive: its name there, and its source.
type packed struct {
	name, from string
	mode       int64
}

// writeArchive writes the platform's archive, which has one folder with all
// files.
func (r *release) writeArchive(t target, binary, licences string) error {
	files := []packed{
		{"holdfast", binary, 0o755},
		{"THIRD-PARTY.txt", licences, 0o644},
		{"holdfast.conf", filepath.Join(r.work, "holdfast.conf"), 0o644},
	}
	for _, name := range []string{"LICENSE", "NOTICE", "README.md", "CHANGELOG.md"} {
		files = append(files, packed{name, filepath.Join(r.root, name), 0o644})
	}
	for _, folder := range []string{"completions", "man"} {
		all, err := filepath.Glob(filepath.Join(r.work, folder, "*"))
		if err != nil {
			return err
		}
		for _, file := range all {
			files = append(files, packed{folder + "/" + filepath.Base(file), file, 0o644})
		}
	}
	if t.os == "linux" {
		for name, from := range map[string]string{
			"holdfast.service":         "holdfast.service",
			"sysusers.d/holdfast.conf": "sysusers.conf",
			"tmpfiles.d/holdfast.conf": "tmpfiles.conf",
		} {
			files = append(files, packed{"systemd/" + name, filepath.Join(r.root, "packaging", from), 0o644})
		}
	}
	slices.SortFunc(files, func(a, b packed) int { return strings.Compare(a.name, b.name) })
	file, err := os.Create(r.artifact(t, ".tar.gz"))
	if err != nil {
		return err
	}
	return errors.Join(r.writeTar(file, files), file.Close())
}

func (r *release) writeTar(to *os.File, files []packed) error {
	zip, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(zip)
	for _, f := range files {
		content, err := os.ReadFile(f.from)
		if err != nil {
			return err
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: path.Join("holdfast-"+r.version.name, f.name), Size: int64(len(content)), Mode: f.mode,
			ModTime: r.version.date, Uname: "root", Gname: "root", Format: tar.FormatPAX,
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), zip.Close())
}

const sumsFile = "SHA256SUMS"

// writeSums lists the checksums of a folder's files in the format of sha256sum
// --check.
func writeSums(folder string) error {
	entries, err := os.ReadDir(folder) // sorted
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), entry.Name())
	}
	return os.WriteFile(filepath.Join(folder, sumsFile), []byte(sums.String()), 0o644)
}
