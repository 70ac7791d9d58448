package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A machine has a Holdfast, and carries out the commands of docs/operating.md. Its
// folder stands for the whole file system.
type machine struct {
	t       *testing.T
	dir     string
	bin     string // the folder of PostgreSQL's programs; empty without PostgreSQL
	address string // of the server's store
	copyTo  string // the address of an empty database
	steps   []string
	point   time.Time // to which PostgreSQL is restored

	ipn     string // the address of a receiver of notices
	refuses atomic.Bool
	heard   atomic.Int64

	server *server
	store  *store.DB
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	// The path of a Unix socket is short, so the folder is not the test's own.
	dir, err := os.MkdirTemp("/tmp", "holdfast-machine-")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, dir: dir}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.heard.Add(1)
		if m.refuses.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	m.ipn = receiver.URL
	t.Cleanup(func() {
		m.stopHoldfast()
		receiver.Close()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return m
}

// withPostgres gives the machine a PostgreSQL that does not run yet.
func (m *machine) withPostgres() {
	m.t.Helper()
	found, err := exec.Command("../../scripts/find-postgres").Output()
	if err != nil {
		m.t.Skip("there is no PostgreSQL on this machine")
	}
	m.bin = strings.TrimSpace(string(found))
	m.address = "postgres://holdfast@/postgres?host=" + m.dir + "&port=5432&sslmode=disable"
	m.t.Cleanup(func() {
		m.stopHoldfast()
		if _, err := os.Stat(m.dir + "/main/postmaster.pid"); err == nil {
			m.shell("pg_ctl -D " + m.dir + "/main -m immediate stop")
		}
	})
	m.shell("initdb -D " + m.dir + "/main -U holdfast -A trust -E UTF8 --locale=C --no-sync")
	m.set("listen_addresses = ''\nunix_socket_directories = '" + m.dir + "'\nfsync = off\n")
}

// here is a step with the names of this machine.
func (m *machine) here(step string) string {
	data := filepath.Join(m.dir, "main")
	return strings.NewReplacer(
		"sudo systemctl stop postgresql", "pg_ctl -D "+data+" -m immediate stop", // as if the machine had failed
		"sudo systemctl start postgresql", "pg_ctl -D "+data+" -l "+m.dir+"/log -w start",
		"sudo -u postgres psql", "psql -h "+m.dir+" -U holdfast -d postgres",
		"sudo -u postgres pg_basebackup", "pg_basebackup -h "+m.dir+" -U holdfast",
		"sudo -u postgres ", "", "-o postgres -g postgres ", "", "sudo -u holdfast ", "", "-o holdfast -g holdfast ", "",
		"sudo ", "",
		"/backup ", m.dir+"/backup ", "/backup/", m.dir+"/backup/", "/var/lib/postgresql/17", m.dir,
		"/var/lib/holdfast", m.dir+"/lib", "/var/backups", m.dir+"/backups", "/tmp/", m.dir+"/",
		"2026-11-30 11:58:00+00", m.point.UTC().Format("2006-01-02 15:04:05.999999+00"),
		"2026-11-30T11:58:00Z", m.point.UTC().Format(time.RFC3339),
		"--to postgres://holdfast@db1/holdfast", "--to "+m.copyTo, "postgres://holdfast@db1/holdfast", m.address,
	).Replace(step)
}

// shell runs a command, as PostgreSQL's user if there is one.
func (m *machine) shell(command string) {
	m.t.Helper()
	if out, err := m.try(command); err != nil {
		log, _ := os.ReadFile(filepath.Join(m.dir, "log"))
		m.t.Fatalf("%s: %v\n%s%s", command, err, out, log)
	}
}

func (m *machine) try(command string) (string, error) {
	m.t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir, cmd.Env = m.dir, append(os.Environ(), "PATH="+m.bin+":"+os.Getenv("PATH"))
	if m.bin != "" {
		holdfasttest.AsPostgres(m.t, cmd)
	}
	said, err := os.CreateTemp(m.t.TempDir(), "said") // a pipe would stay open as long as PostgreSQL
	if err != nil {
		m.t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	failed := cmd.Run()
	text, err := os.ReadFile(said.Name())
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text), failed
}

// set adds settings to postgresql.conf.
func (m *machine) set(settings string) {
	m.t.Helper()
	file, err := os.OpenFile(filepath.Join(m.dir, "main", "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(settings + "\n"); err != nil {
		m.t.Fatal(err)
	}
}

// read reads the steps of a part of docs/operating.md.
func (m *machine) read(from, to string) {
	m.t.Helper()
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		m.t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), from)
	part, _, ends := strings.Cut(part, to)
	if !found || !ends {
		m.t.Fatalf("docs/operating.md has nothing between %q and %q", from, to)
	}
	m.steps = nil
	for line := range strings.Lines(indented(part)) {
		line, _, _ = strings.Cut(line, "  # ")
		m.steps = append(m.steps, strings.TrimSpace(line))
	}
}

// follow carries out the steps up to one that begins with a text, and that one, too.
func (m *machine) follow(last string) {
	m.t.Helper()
	for i, step := range m.steps {
		m.carryOut(step)
		if strings.HasPrefix(step, last) {
			m.steps = m.steps[i+1:]
			return
		}
	}
	m.t.Fatalf("the docs have no step %q", last)
}

// followAll carries out the steps of a part.
func (m *machine) followAll(from, to string) {
	m.t.Helper()
	m.read(from, to)
	m.follow(m.steps[len(m.steps)-1])
}

func (m *machine) carryOut(step string) {
	m.t.Helper()
	m.t.Log(step)
	command, ours := strings.CutPrefix(step, "sudo -u holdfast holdfast ")
	name, _, setting := strings.Cut(step, " = ")
	switch {
	case step == "":
	case strings.HasPrefix(step, "sudo apt "): // it is the same version
	case step == "sudo systemctl stop holdfast":
		m.stopHoldfast()
	case step == "sudo systemctl start holdfast":
		m.startHoldfast()
	case step == "sudo systemctl restart holdfast":
		m.stopHoldfast()
		m.startHoldfast()
	case ours:
		out, err := m.holdfast(shellWords(m.here(command))...)
		asks := strings.HasPrefix(command, "resume") && !strings.Contains(command, "--drop")
		if (err != nil) != asks {
			m.t.Fatalf("%s: %v\n%s", step, err, out)
		}
		if m.server != nil { // it notices within ten seconds that the store was resumed
			if err := m.server.beat(m.t.Context()); err != nil {
				m.t.Fatal(err)
			}
		}
	case setting && !strings.Contains(name, " "):
		m.set(m.here(step))
	default:
		m.shell(m.here(step))
	}
}

// holdfast runs a command a minute later, when the servers of a backup do not count
// any more.
func (m *machine) holdfast(args ...string) (out string, err error) {
	m.t.Helper()
	var said bytes.Buffer
	code := run(m.t.Context(), args, world{
		Out: &said, Err: &said, Now: func() time.Time { return time.Now().Add(time.Minute) },
	})
	if code != exitFine {
		err = fmt.Errorf("exit code %d", code)
	}
	return said.String(), err
}

func (m *machine) startHoldfast() {
	m.t.Helper()
	var err error
	if m.store, err = openStore(m.t.Context(), store.Config{Address: m.address}); err != nil {
		m.t.Fatal(err)
	}
	m.server = startOn(m.t, m.store, &sandbox.Network{Now: time.Now}, time.Now)
}

func (m *machine) stopHoldfast() {
	if m.server == nil {
		return
	}
	m.server.stop()
	if err := m.store.Close(); err != nil {
		m.t.Error(err)
	}
	m.server = nil
}
