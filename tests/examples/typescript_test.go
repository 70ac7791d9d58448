package examples

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the types of the TypeScript client")

// clientFolder contains the TypeScript client.
const clientFolder = "../../clients/typescript"

// needClientTools skips the test if the client's packages are not installed.
func needClientTools(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(clientFolder, "node_modules", ".bin", "openapi-typescript"))
	}
	if err != nil {
		t.Skip("the packages of the TypeScript client are missing: make typescript installs them")
	}
}

// inClient runs a program of the client's packages.
func inClient(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("node_modules", ".bin", program), args...)
	cmd.Dir = clientFolder
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, output)
	}
}

// The types of the TypeScript client are those of the document, and its example
// takes an order from the checkout to the settled hold.
func TestTypeScriptClient(t *testing.T) {
	needClientTools(t)
	demo := startDemo(t)
	dir := t.TempDir()
	document, schema := filepath.Join(dir, "openapi.json"), filepath.Join(dir, "schema.ts")
	if err := os.WriteFile(document, demo.document(t), 0o600); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(clientFolder, "src", "schema.ts")
	if *update {
		schema, _ = filepath.Abs(kept)
	}
	inClient(t, "openapi-typescript", document, "--output", schema)
	if !*update {
		made, want := readText(t, kept), readText(t, schema)
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("src/schema.ts is not made from the document (-want +got); run make typescript:\n%s", diff)
		}
	}
	inClient(t, "tsc", "--outDir", filepath.Join(dir, "dist"))
	demo.playTypeScript(t, filepath.Join(dir, "dist"))
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// document is the OpenAPI document of the demo.
func (d *demo) document(t *testing.T) []byte {
	t.Helper()
	address := strings.TrimSuffix(d.Endpoint, "/") + "/v1/openapi.json"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("reading the document: %s (%v)", answer.Status, err)
	}
	return text
}

// playTypeScript runs the example of the client, with a buyer on the pages.
func (d *demo) playTypeScript(t *testing.T, dist string) {
	t.Helper()
	var made struct{ Key string }
	added := d.holdfast(t, "key", "add", "--json", "--name", "TypeScript", "--caller", string(d.CallerID))
	if err := json.Unmarshal(added, &made); err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Abs(filepath.Join(clientFolder, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dist, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dist, "package.json"), []byte(`{"type":"module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(dist, "example", "order.js"),
		strings.TrimSuffix(d.Endpoint, "/"), made.Key)
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	program := &run{cmd: cmd, lines: bufio.NewScanner(stdout)}
	d.play(t, program.link(t))
	for program.lines.Scan() {
		program.said.WriteString(program.lines.Text() + "\n")
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the example ends with %v:\n%s\n%s", err, program.said.String(), &log)
	}
	for _, line := range []string{
		"Held: 42.50 until ", "Settled: 30.00, released: 12.50\n", "Refused: not_found\n", "Listed: 1\n",
	} {
		if !strings.Contains(program.said.String(), line) {
			t.Errorf("the example does not say %q:\n%s", line, program.said.String())
		}
	}
}
