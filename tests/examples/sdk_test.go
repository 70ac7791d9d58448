package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A new module, made as examples/go/README.md says, needs this module and no
// other. The module cache is empty and there is no proxy, so any download
// fails.
func TestSDKBringsNothing(t *testing.T) {
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(folder, "go", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	environment := append(os.Environ(),
		"GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOMODCACHE="+t.TempDir())
	command := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir, cmd.Env = dir, environment
		output, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, output)
		}
		return string(output)
	}

	commands := moduleCommands(t)
	if len(commands) != 3 {
		t.Fatalf("README.md of go makes a module with %q", commands)
	}
	for _, line := range commands {
		command(strings.Fields(strings.ReplaceAll(line, "/path/to/holdfast", tree))...)
	}

	if sums, err := os.ReadFile(filepath.Join(dir, "go.sum")); err == nil {
		t.Errorf("there is a go.sum:\n%s", sums)
	}
	const sdk = "github.com/holdfast-pay/holdfast"
	packages := strings.Fields(command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "."))
	if want := []string{sdk + "/money", sdk, "example.com/shop"}; !slices.Equal(packages, want) {
		t.Errorf("the program needs these packages outside the standard library: %q, want %q", packages, want)
	}
	command("go", "build", "-buildvcs=false", "-o", "shop", ".")
	for line := range strings.Lines(command("go", "version", "-m", "shop")) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "dep" && fields[1] != sdk {
			t.Errorf("the binary contains another module: %s", line)
		}
	}
}

// moduleCommands are the README's commands that make a module.
func moduleCommands(t *testing.T) (commands []string) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(folder, "go", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(readme)) {
		if command, ok := strings.CutPrefix(line, "    go mod "); ok {
			commands = append(commands, "go mod "+strings.TrimSpace(command))
		}
	}
	return commands
}
