package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A version is the information about its origin that a binary prints.
type version struct {
	name   string // 0.1.0 at a tag; 0.1.0+5.g56c09a7 five commits later
	commit string
	date   time.Time // of the commit, or SOURCE_DATE_EPOCH
}

// findVersion asks git for the values that are not given.
func findVersion(ctx context.Context, root string, given version) (version, error) {
	v := given
	var err error
	if v.commit == "" {
		if v.commit, err = git(ctx, root, "rev-parse", "HEAD"); err != nil {
			return v, err
		}
	}
	if v.name == "" {
		if v.name, err = describe(ctx, root); err != nil {
			return v, err
		}
	}
	v.name = strings.TrimPrefix(v.name, "v")
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	if seconds == "" {
		if seconds, err = git(ctx, root, "show", "--no-patch", "--format=%ct", "HEAD"); err != nil {
			return v, err
		}
	}
	epoch, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return v, fmt.Errorf("reading SOURCE_DATE_EPOCH: %w", err)
	}
	v.date = time.Unix(epoch, 0).UTC()
	return v, nil
}

// describe names the checked out commit after the last tag. The part after the
// plus sign sorts behind the tag for dpkg and rpm alike.
func describe(ctx context.Context, root string) (string, error) {
	tag, err := git(ctx, root, "describe", "--tags", "--abbrev=0", "--match=v[0-9]*")
	since := tag + "..HEAD"
	if err != nil { // no tag yet
		tag, since = "v0.0.0", "HEAD"
	}
	commits, err := git(ctx, root, "rev-list", "--count", since)
	if err != nil {
		return "", err
	}
	short, err := git(ctx, root, "rev-parse", "--short=7", "HEAD")
	if err != nil {
		return "", err
	}
	changes, err := git(ctx, root, "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return "", err
	}
	return versionName(tag, commits, short, changes != ""), nil
}

func versionName(tag, commits, short string, changed bool) string {
	switch {
	case changed:
		return tag + "+" + commits + ".g" + short + ".dirty"
	case commits != "0":
		return tag + "+" + commits + ".g" + short
	}
	return tag
}

// git runs a query. In CI the clone may belong to another user.
func git(ctx context.Context, root string, args ...string) (string, error) {
	line := append([]string{"-C", root, "-c", "safe.directory=*"}, args...)
	out, err := exec.CommandContext(ctx, "git", line...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w; without git, set -version, -commit and SOURCE_DATE_EPOCH", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
