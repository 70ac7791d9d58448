package packages

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A new user follows "Install" in docs/getting-started.md: the test runs each
// command of it unchanged, in one shell, and does the steps on the pages.
func TestStrangersWalk(t *testing.T) {
	r := made(t)
	needs(t, "curl", "curl")
	steps := readWalk(t)
	if want := []string{"1", "2", "3", "4", "5", "8"}; !slices.Equal(slices.Sorted(maps.Keys(steps)), want) {
		t.Fatalf("the steps with commands are %q, want %q", slices.Sorted(maps.Keys(steps)), want)
	}
	w := newWalk(t, r)

	for _, step := range []string{"1", "2", "3", "4", "5"} {
		w.follow(steps[step])
	}
	shop := "http://" + w.shop
	w.eventually("the shop opens", func() bool {
		connection, err := net.Dial("tcp", w.shop)
		if err != nil {
			return false
		}
		return connection.Close() == nil
	})

	ann := newBuyer(t, "ann@example.com", "a long password for Ann")
	ann.Open(shop + "/products/mug")
	ann.submitTo("/cart")
	ann.Open(shop + "/cart")
	ann.submitTo("/pay")
	ann.pay()
	if !strings.Contains(ann.Page, `id="thank-you"`) {
		t.Fatalf("the buyer ends at %s:\n%s", ann.At.Path, ann.Page)
	}
	order := "/bench" + ann.At.Path
	packer := newBuyer(t, "", "")
	becomes := func(state string) {
		w.eventually("the order is "+state, func() bool {
			packer.Open(shop + order)
			return strings.Contains(packer.Page, `data-state="`+state+`"`)
		})
	}
	becomes("ToShip")
	packer.submitTo(order + "/ship")
	becomes("Shipped")

	said := w.follow(steps["8"])
	for _, want := range []string{`Settle.* USD 32\.00 +Success `, `The books are right`} {
		if !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("the last step does not print %s:\n%s", want, said)
		}
	}
}

// systemd reports the service as started before the server listens.
func TestWalkWaitsForTheServer(t *testing.T) {
	for _, command := range readWalk(t)["2"] {
		if strings.HasPrefix(command, "curl ") && strings.Contains(command, " --retry-connrefused ") {
			return
		}
	}
	t.Error("no curl of step 2 waits until the server listens")
}

var stepHead = regexp.MustCompile(`^\*\*(\d+)\. `)

// readWalk takes the commands of each numbered step out of the document.
func readWalk(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docs", "getting-started.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Install\n")
	if !ok {
		t.Fatal("the document has no section Install")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	steps := map[string][]string{}
	step := ""
	for line := range strings.Lines(strings.ReplaceAll(section, "\\\n", "")) {
		if head := stepHead.FindStringSubmatch(line); head != nil {
			step = head[1]
		}
		if command, ok := strings.CutPrefix(line, "    "); ok {
			steps[step] = append(steps[step], strings.TrimSpace(command))
		}
	}
	return steps
}

// A walk is a shell in which sudo, apt and holdfast act on the test's machine.
// There is no systemd: the test starts the service as its unit says. Ports of
// the document are replaced by free ones.
type walk struct {
	machine
	shop   string // the address that the shop listens on
	server string // the address of the server, once it runs

	in  io.Writer
	out *bufio.Reader
}

func newWalk(t *testing.T, r release) *walk {
	t.Helper()
	w := &walk{machine: emptyMachine(t), shop: freeAddress(t)}
	programs := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name := range standIns {
		if err := os.Symlink(self, filepath.Join(programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	home := w.path("root")
	for _, file := range []string{r.deb(t), filepath.Join(r.folder, "SHA256SUMS")} {
		if err := os.Symlink(file, filepath.Join(home, filepath.Base(file))); err != nil {
			t.Fatal(err)
		}
	}
	w.startShell(home, []string{
		"PATH=" + programs + ":" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C",
		machineVariable + "=" + w.root, "HOLDFAST_SHOP_LISTEN=" + w.shop,
	})
	return w
}

// startShell starts the shell. It ends with the test, together with all
// programs that it started.
func (w *walk) startShell(home string, environment []string) {
	w.t.Helper()
	shell := exec.Command("bash", "--noprofile", "--norc", "-o", "pipefail")
	shell.Dir, shell.Env = home, environment
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := shell.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := shell.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	shell.Stderr = shell.Stdout
	if err := shell.Start(); err != nil {
		w.t.Fatal(err)
	}
	watchdog := time.AfterFunc(5*patience, func() { _ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) })
	w.t.Cleanup(func() {
		watchdog.Stop()
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		_ = shell.Wait() // it was killed
	})
	w.in, w.out = in, bufio.NewReader(out)
}

const (
	serverInDocument = "127.0.0.1:8010"
	shopInDocument   = "127.0.0.1:8020"
	startInDocument  = "sudo systemctl enable --now holdfast"
)

// follow runs the commands of a step and returns their output. A failing
// command ends the test.
func (w *walk) follow(commands []string) (said string) {
	w.t.Helper()
	if len(commands) == 0 {
		w.t.Fatal("a step of the document has no commands")
	}
	for _, command := range commands {
		if command == startInDocument {
			w.startService()
			continue
		}
		said += w.run(command)
	}
	return said
}

// startService enables the service and starts the server as its unit says.
func (w *walk) startService() {
	w.t.Helper()
	output(w.t, "systemctl", "--root="+w.root, "enable", "holdfast")
	if !strings.Contains(w.read(configPath), "\n#listen = "+serverInDocument+"\n") {
		w.t.Errorf("the installed settings do not say that the server listens on %s", serverInDocument)
	}
	w.server = w.start()
	w.run("export HOLDFAST_JSON_SERVER=http://" + serverInDocument + "/")
}

func (w *walk) run(command string) (said string) {
	w.t.Helper()
	here := strings.NewReplacer(
		serverInDocument, w.server, shopInDocument, w.shop, "_amd64.deb", "_"+runtime.GOARCH+".deb",
	).Replace(command)
	const done = "-- done: "
	if _, err := fmt.Fprintf(w.in, "%s\necho \"%s$?\"\n", here, done); err != nil {
		w.t.Fatal(err)
	}
	for {
		line, err := w.out.ReadString('\n')
		if err != nil {
			w.t.Fatalf("%s\nends the shell: %v\n%s%s", here, err, said, line)
		}
		if _, code, ok := strings.Cut(line, done); ok {
			if code != "0\n" {
				w.t.Fatalf("%s\nends with %s%s", here, code, said)
			}
			return said
		}
		said += line
	}
}

// freeAddress returns an address of this machine with a free port.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// eventually waits until a condition is true.
func (w *walk) eventually(what string, yes func() bool) {
	w.t.Helper()
	tooLate := time.After(patience)
	for !yes() {
		select {
		case <-tooLate:
			w.t.Fatalf("timed out waiting until %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
