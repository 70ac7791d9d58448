package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Only one server can use an SQLite file, under any of its names. Commands can
// use it at the same time.
func TestASecondServerIsRefused(t *testing.T) {
	dir := t.TempDir()
	address, link := filepath.Join(dir, "holdfast.db"), filepath.Join(dir, "link.db")
	_, end := startVerb(t, "serve", "--listen", "127.0.0.1:0", "--store", address)
	if err := os.Symlink(address, link); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{address, link} {
		out, code := holdfastCommand(t, "serve", "--listen", "127.0.0.1:0", "--store", other)
		if code != exitFailed || !strings.Contains(out, "another server is running on "+other) {
			t.Errorf("a second server: exit code %d\n%s", code, out)
		}
	}
	newCaller(t, address)
	onStore(t, address, "books", "check")
	key := filepath.Join(dir, "key")
	if out, code := holdfastCommand(t, "seal", "keygen", key); code != 0 {
		t.Fatal(out)
	}
	if out, code := holdfastCommand(t, "seal", "on", "--store", address, "--seal-key", key); code != exitFailed ||
		!strings.Contains(out, "another server is running") {
		t.Errorf("sealing under a server: exit code %d\n%s", code, out)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if _, err := lockStore(store.Location{File: address}); err != nil {
		t.Errorf("after the server's end: %v", err)
	}
}

// A server on a sealed store checks and makes signatures like any other.
func TestASealedServer(t *testing.T) {
	for name, empty := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			address, key := empty(t), filepath.Join(t.TempDir(), "key")
			caller := newCaller(t, address)
			if out, code := holdfastCommand(t, "seal", "keygen", key); code != 0 {
				t.Fatal(out)
			}
			onStore(t, address, "seal", "on", "--seal-key", key)
			listen, _ := startVerb(t, "serve", "--listen", freePort, "--store", address, "--seal-key", key)
			client := &holdfast.Client{
				Endpoint: "http://" + listen + "/", AccessKeyID: caller.AccessKeyID,
				SecretKey: holdfast.NewSecretKey(caller.SecretAccessKey),
			}
			if _, err := client.Clock(t.Context()); err != nil {
				t.Errorf("the caller's clock: %v", err)
			}
		})
	}
}

func TestADemosStoreIsLocked(t *testing.T) {
	dir := t.TempDir()
	startDemo(t, dir)
	for _, name := range []string{serverFile, shopFile, demoFile, lockFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != privateMode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	out, code := holdfastCommand(t, "serve", "--listen", "127.0.0.1:0", "--store", filepath.Join(dir, serverFile))
	if code != exitFailed || !strings.Contains(out, "another server is running") {
		t.Errorf("a server on a demo's store: exit code %d\n%s", code, out)
	}
}

// A server that cannot listen creates no store.
func TestABusyPortMakesNoStore(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", freePort)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, flag := range []string{"--listen", "--metrics"} {
		dir := t.TempDir()
		args := []string{
			"serve", "--listen", freePort, "--store", filepath.Join(dir, "holdfast.db"), flag, taken.Addr().String(),
		}
		if out, code := holdfastCommand(t, args...); code != exitFailed || !strings.Contains(out, flag) {
			t.Errorf("%s: exit code %d\n%s", flag, code, out)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
			t.Errorf("%s: there are %v, %v", flag, files, err)
		}
	}
}

// A PostgreSQL server that may lose answered requests is refused, unless
// --accept-data-loss is set.
func TestALossyPostgresIsRefused(t *testing.T) {
	address := holdfasttest.PostgresAddress(t)
	set := "?"
	if strings.Contains(address, "?") {
		set = "&"
	}
	address += set + "options=-c%20synchronous_commit%3Doff"
	out, code := holdfastCommand(t, "serve", "--listen", freePort, "--store", address, "--accept-data-loss=false")
	if code != exitFailed || !strings.Contains(out, "PostgreSQL runs with ") ||
		!strings.Contains(out, "--accept-data-loss") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	startVerb(t, "serve", "--listen", freePort, "--store", address, "--accept-data-loss")
}

func TestSentenceOfALockedStore(t *testing.T) {
	err := fmt.Errorf("committing: %w", store.ErrLocked)
	if got := sentence(err); !strings.Contains(got, "another program keeps the SQLite file locked") {
		t.Errorf("it is said as %q", got)
	}
	if got := sentence(fmt.Errorf("reading: %w", context.Canceled)); got != "reading: context canceled" {
		t.Errorf("another error is said as %q", got)
	}
}
