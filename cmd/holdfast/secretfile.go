package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// openSecret opens a file with a secret. It refuses a file that other users of
// the machine can read.
func openSecret(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		err = refuseReadable(path, info, os.Geteuid(), os.Getenv(credentialsEnv))
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// checkSecret is openSecret for a file that another package opens. Other faults
// of the file are left to that package.
func checkSecret(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil //nolint:nilerr // said by the one that opens the file
	}
	return refuseReadable(path, info, os.Geteuid(), os.Getenv(credentialsEnv))
}

const (
	// credentialsEnv names the folder of a service's systemd credentials. Only the
	// service can enter the folder. Its files look group-readable, because an
	// access list shows in these bits.
	credentialsEnv = "CREDENTIALS_DIRECTORY"
	// rootsBits are the forbidden mode bits of a file that belongs to root and
	// that the program reads as a member of the file's group. PostgreSQL has the
	// same rule for its keys.
	rootsBits = 0o037
)

// refuseReadable returns what is wrong with the mode of a secret's file for the
// user that runs the program. A pipe is accepted, because it has no later
// readers, and so is standard input, which the shell has opened.
func refuseReadable(path string, info os.FileInfo, user int, credentials string) error {
	if !info.Mode().IsRegular() || runtime.GOOS == "windows" || passedIn(path) {
		return nil
	}
	tooMuch := os.FileMode(sharedBits)
	if within(credentials, path) || user != 0 && ownedByRoot(info) {
		tooMuch = rootsBits
	}
	mode := info.Mode().Perm()
	if mode&tooMuch == 0 {
		return nil
	}
	if user != 0 && ownedByRoot(info) {
		return fmt.Errorf("there is a secret in %[1]s, and its mode %04[2]o lets other users of this machine at it; run, "+
			"as root, chmod 640 %[3]s", path, mode, quote(path))
	}
	return fmt.Errorf("there is a secret in %[1]s, and its mode %04[2]o lets other users of this machine at it; run "+
		"chmod 600 %[3]s", path, mode, quote(path))
}

// passedIn reports whether a path names an open file that the program was
// started with.
func passedIn(path string) bool {
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

func ownedByRoot(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0
}

// within reports whether a file is in a folder, wherever links lead.
func within(folder, path string) bool {
	if folder == "" {
		return false
	}
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return false
	}
	if path, err = filepath.Abs(path); err != nil {
		return false
	}
	inside, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(inside)
}
