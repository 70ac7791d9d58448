package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// lockData locks a demo's directory against a second demo.
func lockData(dir string) (unlock func(), err error) {
	return lockFileOf(filepath.Join(dir, lockFile),
		fmt.Sprintf("another demo is running on %s; stop it first, or give another --data", dir))
}

// lockStore locks an SQLite file against a second server. Commands that use the
// file for a moment need no lock.
func lockStore(at store.Location) (unlock func(), err error) {
	if !at.IsFile() {
		return func() {}, nil
	}
	path, err := filepath.EvalSymlinks(at.File)
	if errors.Is(err, os.ErrNotExist) {
		path, err = at.File, nil
	}
	if err != nil {
		return nil, err
	}
	return lockFileOf(path+lockSuffix,
		fmt.Sprintf("another server is running on %s; an SQLite file is for one server, and PostgreSQL for several", at.File))
}

const lockSuffix = ".lock"

// lockFileOf locks a lock file, or says that it is taken. The lock ends with
// the process. The file is not removed, because two processes could then lock
// two files of the same name.
func lockFileOf(path, taken string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, privateMode)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return func() { file.Close() }, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.New(taken)
	}
	return nil, fmt.Errorf("locking %s: %w", path, err)
}
