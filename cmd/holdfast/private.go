package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

const (
	privateMode = 0o600
	sharedBits  = 0o077 // what others than the owner may do
)

// makePrivate makes a file for secrets that only its owner can read. It refuses
// an existing file that others can read or write. If another process makes the
// file at the same time, that file is checked.
func makePrivate(path string) error {
	if exists, err := checkPrivate(path, refuseShared); err != nil || exists {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, privateMode)
	if errors.Is(err, os.ErrExist) {
		exists, checked := checkPrivate(path, refuseShared)
		if checked != nil || exists {
			return checked
		}
		return fmt.Errorf("making the file, which may be a symbolic link to a missing one: %w", err)
	}
	if err != nil {
		return fmt.Errorf("making the file: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("making the file: %w", err)
	}
	return nil
}

// checkPrivate reports whether a file exists. For a file that others can read
// or write it calls shared.
func checkPrivate(path string, shared func(path string, mode os.FileMode) error) (exists bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if mode := info.Mode(); mode.IsRegular() && mode.Perm()&sharedBits != 0 && runtime.GOOS != "windows" {
		return true, shared(path, mode.Perm())
	}
	return true, nil
}

func refuseShared(path string, mode os.FileMode) error {
	return fmt.Errorf("there are secrets in %[1]s, and its mode %04[2]o lets other users of this machine at them; run "+
		"chmod 600 %[3]s", path, mode, quote(path))
}
