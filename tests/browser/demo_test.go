package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A demo is a running `holdfast demo`.
type demo struct {
	Endpoint      string `json:"endpoint"`
	Shop          string `json:"shop"`
	BuyerEmail    string `json:"buyerEmail"`
	BuyerPassword string `json:"buyerPassword"`
	DataDir       string `json:"dataDir"`
	Network       string `json:"network"` // of a fake of Stripe
}

// startDemo starts a demo on free ports. It stops when the test ends.
func startDemo(t *testing.T, more ...string) demo {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background()) // t.Context ends before the clean-up stops the demo
	args := append([]string{"demo", "--json", "--data", filepath.Join(t.TempDir(), "data")}, more...)
	cmd := exec.CommandContext(ctx, binary, args...)
	log, err := os.CreateTemp(t.TempDir(), "log-*")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("stopping the demo: %v", err)
		}
		err := cmd.Wait()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			text, _ := os.ReadFile(log.Name())
			t.Errorf("the demo ended with %v\n%s", exit, text)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("the demo did not start: %v\n%s", err, text)
	}
	var d demo
	if err := json.Unmarshal([]byte(line), &d); err != nil {
		t.Fatalf("the demo said %q: %v", line, err)
	}
	return d
}

// holdfast runs a command of the binary on the demo's data.
func (d demo) holdfast(t *testing.T, args ...string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), binary, append(args, "--data", d.DataDir)...).CombinedOutput()
	if err != nil {
		t.Fatalf("holdfast %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}
