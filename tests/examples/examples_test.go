// Package examples runs the programs of the folder examples against a demo, and
// sends them messages that the server did not sign for them.
package examples

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// toolsEnv is set to "required" by make test, which installs the tools. Then a
// missing tool is a failure; otherwise an example without its tools is skipped.
const toolsEnv = "HOLDFAST_TEST_EXAMPLES"

// folder contains the examples.
const folder = "../../examples"

// patience is the time that a program may take.
const patience = 3 * time.Minute

// An example is a program in another language, started in its folder.
type example struct {
	name    string
	command []string // as its README.md says
	tools   []string // other programs that it runs
	ready   []string // succeeds if the language is installed in a sufficient version
}

var examples = []example{
	{
		name: "curl", command: []string{"bash", "order.sh"}, tools: []string{"curl", "openssl", "socat"},
		ready: []string{"bash", "-c", "((BASH_VERSINFO[0] >= 4))"},
	},
	{
		name: "python", command: []string{"python3", "order.py"}, tools: []string{"openssl"},
		ready: []string{"python3", "-c", "str.removesuffix"},
	},
	{name: "node", command: []string{"node", "order.js"}, ready: []string{"node", "-e", "fetch"}},
	{
		name: "php", command: []string{"php", "order.php"},
		ready: []string{"php", "-r", "new SimpleXMLElement('<a/>'); curl_init();"},
	},
	{name: "go", command: []string{"go", "run", "."}, ready: []string{"go", "version"}},
}

// Each example takes an order from the link to the refund. The answer to each
// request that moves money is lost once, and forged messages arrive before the
// genuine ones.
func TestExamples(t *testing.T) {
	demo := startDemo(t)
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			e.needTools(t)
			t.Parallel()
			shop := openShop(t, demo)
			program := e.start(t, demo.folder, demo.file, shop.port, shop.public)
			link := program.link(t)
			shop.forge(t)
			demo.play(t, link)
			program.finish(t)
			shop.check(t, program)
		})
	}
}

// A program with a wrong secret key prints why its Reserve is refused.
func TestExamplesAreRefused(t *testing.T) {
	demo := startDemo(t)
	wrong := filepath.Join(t.TempDir(), "demo.json")
	text, err := os.ReadFile(demo.file)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), demo.SecretAccessKey, strings.Repeat("x", 40), 1))
	if err := os.WriteFile(wrong, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, e := range examples {
		if e.name == "go" {
			continue // it asks the server to verify the return, and so fails before its Reserve
		}
		t.Run(e.name, func(t *testing.T) {
			e.needTools(t)
			t.Parallel()
			port := freePort(t)
			program := e.start(t, demo.folder, wrong, port)
			link, err := url.Parse(program.link(t))
			if err != nil {
				t.Fatal(err)
			}
			// The same request, signed with the right key.
			right, err := demo.client().SingleUseURL(holdfast.SingleUseRequest{
				CallerReference: holdfast.CallerReference(link.Query().Get("callerReference")),
				ReturnURL:       "http://localhost:" + port + "/return", TransactionAmount: money.Cents(1250), Reserve: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			demo.play(t, right)
			for program.lines.Scan() {
				program.said.WriteString(program.lines.Text() + "\n")
			}
			err = program.cmd.Wait()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
				t.Errorf("the program ends with %v", err)
			}
			if log, err := os.ReadFile(program.log); err != nil || !strings.Contains(string(log), "InvalidSignature: ") {
				t.Errorf("the program prints (%v)\n%s", err, log)
			}
		})
	}
}

// needTools skips the test, or fails it, if the example's tools are missing.
func (e example) needTools(t *testing.T) {
	t.Helper()
	missing := func(what string) {
		if os.Getenv(toolsEnv) == "required" {
			t.Fatalf("%s is missing: scripts/install-needs installs it", what)
		}
		t.Skipf("%s is missing: make test installs it", what)
	}
	for _, tool := range e.tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing(tool)
		}
	}
	if err := exec.CommandContext(t.Context(), e.ready[0], e.ready[1:]...).Run(); err != nil {
		missing(e.ready[0] + ", or not as README.md says that it has to be")
	}
}

// A run is a running program.
type run struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	said  strings.Builder
	log   string // the file with its standard error
}

// start starts the example as its README.md says, with the given arguments.
func (e example) start(t *testing.T, binaries string, args ...string) *run {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(folder, e.name, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if written := "\n    " + strings.Join(e.command, " ") + " demo.json\n"; !strings.Contains(string(readme), written) {
		t.Errorf("README.md of %s does not say how to start it: %q", e.name, written)
	}
	command := e.command
	if e.name == "go" { // which was built with the demo
		command = []string{filepath.Join(binaries, "go")}
	}
	args = append(slices.Clone(command[1:]), args...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r := &run{cmd: exec.CommandContext(ctx, command[0], args...), log: filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(r.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Dir, r.cmd.Stderr, r.lines = filepath.Join(folder, e.name), log, bufio.NewScanner(stdout)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(r.log)
			t.Logf("%s said:\n%s\n%s", e.name, r.said.String(), text)
		}
	})
	return r
}

// link reads until the program prints the link for the buyer.
func (r *run) link(t *testing.T) string {
	t.Helper()
	for r.lines.Scan() {
		r.said.WriteString(r.lines.Text() + "\n")
		if link, ok := strings.CutPrefix(r.lines.Text(), "Link for the buyer: "); ok {
			return link
		}
	}
	t.Fatal("the program prints no link")
	return ""
}

// finish waits until the program ends, and checks its output.
func (r *run) finish(t *testing.T) {
	t.Helper()
	for r.lines.Scan() {
		r.said.WriteString(r.lines.Text() + "\n")
	}
	if err := r.cmd.Wait(); err != nil {
		t.Fatalf("the program ends with %v", err)
	}
	for _, want := range []string{
		"The buyer came back with status SC\n", "Reserve: ", " is Reserved\n", "Settle: ", "Refund: ", " is Success\n",
		"Notified: REFUND Success USD 12.50\n", "Done: order-",
	} {
		if !strings.Contains(strings.ToUpper(r.said.String()), strings.ToUpper(want)) {
			t.Errorf("the program does not print %q", want)
		}
	}
}

// request returns the name that a [way] gives to a request of the program.
func (r *run) request(action string) string {
	_, order, _ := strings.Cut(r.said.String(), "\nDone: ")
	if action != "Settle" {
		return action + " " + strings.TrimSpace(order) + "-" + strings.ToLower(action)
	}
	_, payment, _ := strings.Cut(r.said.String(), "\nSettle: ")
	payment, _, _ = strings.Cut(payment, " ")
	return action + " " + payment
}

// An answer has the fields of "holdfast demo --json" that are used here.
type answer struct {
	Endpoint        string            `json:"endpoint"`
	CoBranded       string            `json:"cobranded"`
	CallerID        holdfast.CallerID `json:"callerId"`
	AccessKeyID     string            `json:"accessKeyId"`
	SecretAccessKey string            `json:"secretAccessKey"`
	BuyerEmail      string            `json:"buyerEmail"`
	BuyerPassword   string            `json:"buyerPassword"`
	RecipientEmail  string            `json:"recipientEmail"`
	DataDir         string            `json:"dataDir"`
}

func (a answer) client() *holdfast.Client {
	return &holdfast.Client{
		Endpoint: a.Endpoint, CoBranded: a.CoBranded,
		AccessKeyID: a.AccessKeyID, SecretKey: holdfast.NewSecretKey(a.SecretAccessKey),
	}
}

func readAnswer(t *testing.T, text []byte) (a answer) {
	t.Helper()
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(fmt.Errorf("reading %q: %w", text, err))
	}
	return a
}
