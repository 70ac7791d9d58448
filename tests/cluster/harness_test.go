// Package cluster runs three servers on a PostgreSQL with three nodes, and
// stops servers and nodes under load.
package cluster

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Env names the folder that scripts/with-cluster describes. If it is empty the
// tests are skipped.
const Env = "HOLDFAST_TEST_CLUSTER"

// patience is the time after which the test gives up waiting.
const patience = 3 * time.Minute

// askMax is the time in which a node or a server must report its state.
const askMax = 3 * time.Second

var binary string // holdfast, built once

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv(Env) == "" {
		return m.Run() // every test skips
	}
	dir, err := os.MkdirTemp("", "holdfast-servers-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "holdfast")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/holdfast")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building holdfast: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// A cluster has the three nodes of the database.
type cluster struct {
	t       *testing.T
	dir     string
	address string // of the primary, whichever node it is
}

func openCluster(t *testing.T) *cluster {
	t.Helper()
	dir := os.Getenv(Env)
	if dir == "" {
		t.Skip(Env + " is not set: make test-cluster runs this")
	}
	c := &cluster{t: t, dir: dir}
	c.address = c.read("address")
	return c
}

func (c *cluster) read(name ...string) string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{c.dir}, name...)...))
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

var nodes = []string{"node1", "node2", "node3"}

// is asks whether a node has a role: "primary", "replica" or "sync", which is
// the standby that commits wait for.
func (c *cluster) is(node, role string) bool {
	client := http.Client{Timeout: askMax}
	answer, err := client.Get("http://" + c.read(node, "rest") + "/" + role)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (c *cluster) having(role string) string {
	for _, node := range nodes {
		if c.is(node, role) {
			return node
		}
	}
	return ""
}

// settled waits for a primary with two standbys, one of them synchronous.
func (c *cluster) settled() (primary string) {
	c.t.Helper()
	eventually(c.t, "a primary with two standbys", func() bool {
		primary = c.having("primary")
		return primary != "" && c.having("sync") != "" &&
			len(slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return !c.is(n, "replica") })) == 2
	})
	return primary
}

// processes are a node's Patroni, its PostgreSQL, and all processes that
// PostgreSQL started.
func (c *cluster) processes(node string) []int {
	c.t.Helper()
	patroni, err := strconv.Atoi(c.read(node, "pid"))
	if err != nil {
		c.t.Fatal(err)
	}
	postmaster, _, _ := strings.Cut(c.read(node, "data", "postmaster.pid"), "\n")
	pid, err := strconv.Atoi(postmaster)
	if err != nil {
		c.t.Fatal(err)
	}
	all := []int{patroni, pid}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		c.t.Fatal(err)
	}
	for child := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, pid)
	}
	return all
}

// signal sends a signal to several processes at the same moment, as if their
// machine failed.
func signal(t *testing.T, processes []int, s syscall.Signal) {
	t.Helper()
	for _, pid := range processes {
		if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatalf("signalling process %d: %v", pid, err)
		}
	}
}

// start starts a node again. The node outlives the test; scripts/with-cluster
// ends it.
func (c *cluster) start(node string) {
	c.t.Helper()
	cmd := exec.Command(filepath.Join(c.dir, node, "run"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go cmd.Wait() //nolint:errcheck // it is killed
}

// switchOver makes Patroni move the primary role to a standby, as before
// maintenance.
func (c *cluster) switchOver(primary string) {
	c.t.Helper()
	body, err := json.Marshal(map[string]string{"leader": primary})
	if err != nil {
		c.t.Fatal(err)
	}
	answer, err := http.Post("http://"+c.read(primary, "rest")+"/switchover", "application/json", bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		c.t.Fatalf("Patroni answers %s to a switchover", answer.Status)
	}
}

// A server is one `holdfast serve`, which may be killed and started again.
type server struct {
	t      *testing.T
	listen string
	store  string
	log    string // a file
	cmd    *exec.Cmd
}

// startServers starts servers on one store, all at the same time.
func startServers(t *testing.T, store string, n int) []*server {
	t.Helper()
	servers := make([]*server, n)
	for i := range servers {
		servers[i] = &server{t: t, listen: freeAddress(t), store: store, log: filepath.Join(t.TempDir(), "log")}
		servers[i].start()
		t.Cleanup(func() { servers[i].stop() })
	}
	for _, s := range servers {
		eventually(t, s.listen+" answers", s.healthy)
	}
	return servers
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func (s *server) start() {
	s.t.Helper()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command(binary, "serve", "--listen", s.listen, "--store", s.store, "--log-json", "--verbose",
		"--accept-data-loss")
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) healthy() bool {
	client := http.Client{Timeout: askMax}
	answer, err := client.Get("http://" + s.listen + "/healthz")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// kill ends a server as a power cut would.
func (s *server) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	s.cmd.Wait() //nolint:errcheck // it was killed
}

func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Errorf("stopping a server: %v", err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the server at %s ended with %v", s.listen, err)
	}
	if s.t.Failed() {
		s.t.Logf("the end of the log of %s:\n%s", s.listen, s.lastWarnings())
	}
}

// A logLine has the fields that the test reads from a server's log.
type logLine struct {
	Time              time.Time
	Level, Msg        string
	Transaction, Step string
	Approved          bool
}

func (s *server) eachLine(do func(text string, line logLine)) {
	s.t.Helper()
	file, err := os.Open(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var line logLine
		if json.Unmarshal(lines.Bytes(), &line) == nil {
			do(lines.Text(), line)
		}
	}
}

func (s *server) lastWarnings() string {
	var last []string
	s.eachLine(func(text string, line logLine) {
		if line.Level == "WARN" || line.Level == "ERROR" {
			last = append(last, text)
		}
	})
	return strings.Join(last[max(0, len(last)-30):], "\n")
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("timed out after %v, waiting until %s", patience, what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
