package cluster

import (
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// serversForgotten is how long a server that is gone counts as running.
const serversForgotten = 31 * time.Second

// A base backup that was taken under load is restored to a database of its own.
// It has every order that was answered before the backup began, and its books are
// right. The server on it moves nothing until it is resumed.
func TestBaseBackup(t *testing.T) {
	c := openCluster(t)
	primary := c.settled()
	address := c.newDatabase("base_backup")
	servers := startServers(t, address, 1)
	db, err := store.Open(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, heard := openShop(t, db), &tally{}
	l := &load{t: t, tokens: s.mint(5_000)}
	l.clients = append(l.clients, s.client(servers[0], heard))
	l.start()
	eventually(t, "orders are answered", func() bool { return l.answered() > 200 })
	l.mu.Lock()
	before := slices.Clone(l.orders)
	l.mu.Unlock()
	began := time.Now()
	at, folder := c.baseBackup(primary)
	taken := time.Now()
	t.Logf("the base backup took %v, and %d writes were answered meanwhile", taken.Sub(began), l.answered()-len(before))
	l.finish()
	heard.check(t)

	restored := c.startRestored(at, folder, "base_backup")
	if out, err := exec.Command(binary, "restore", "--store", restored, "--taken",
		taken.UTC().Format(time.RFC3339)).CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "servers run on this store") {
		t.Errorf("the servers of the backup count as running for a while, but restore prints %s (%v)", out, err)
	}
	time.Sleep(serversForgotten)
	out, err := exec.Command(binary, "restore", "--store", restored, "--taken",
		taken.UTC().Format(time.RFC3339)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "The store is paused") {
		t.Fatalf("restore prints %s (%v)", out, err)
	}
	again := startServers(t, restored, 1)[0]
	if again.ready() {
		t.Error("the server on the restored database is ready")
	}
	if out, err := exec.Command(binary, "resume", "--store", restored, "--drop-all").CombinedOutput(); err != nil {
		t.Fatalf("resume prints %s (%v)", out, err)
	}
	eventually(t, "the server is ready", again.ready)
	checkRestored(t, restored, s, before)
	checkBooks(t, restored)
}

// checkRestored checks that a restored database has all orders of a time.
func checkRestored(t *testing.T, address string, s *shop, orders []order) {
	t.Helper()
	db, err := store.OpenExisting(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, o := range orders {
		var found bool
		var state payment.State
		err := db.View(t.Context(), func(tx *store.ReadTx) error {
			one, there, err := tx.Transaction(s.caller.ID, o.id)
			found, state = there, one.State
			return err
		})
		if err != nil || !found || o.settled && state != payment.Success {
			t.Errorf("%s is %s in the restored database, found: %v (%v)", o.reference, state, found, err)
		}
	}
	t.Logf("%d orders are in the restored database", len(orders))
}

// ready asks a server whether it is ready.
func (s *server) ready() bool {
	client := http.Client{Timeout: askMax}
	answer, err := client.Get("http://" + s.listen + "/readyz")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// newDatabase makes a database in the cluster and returns its address.
func (c *cluster) newDatabase(name string) string {
	c.t.Helper()
	admin, err := sql.Open("pgx", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.ExecContext(c.t.Context(), "CREATE DATABASE "+name); err != nil {
		c.t.Fatal(err)
	}
	return strings.Replace(c.address, "/postgres?", "/"+name+"?", 1)
}

// baseBackup runs pg_basebackup on a node, into a folder. It also returns a free
// port for a server on it.
func (c *cluster) baseBackup(node string) (port, folder string) {
	c.t.Helper()
	lines := strings.Split(c.read(node, "data", "postmaster.pid"), "\n")
	const portLine = 3
	folder = filepath.Join(c.dir, "base")
	c.asPostgres("pg_basebackup", "--dbname", fmt.Sprintf("host=127.0.0.1 port=%s user=replicator", lines[portLine]),
		"--pgdata", folder, "--checkpoint", "fast", "--wal-method", "stream")
	_, port, err := net.SplitHostPort(freeAddress(c.t))
	if err != nil {
		c.t.Fatal(err)
	}
	return port, folder
}

// startRestored starts PostgreSQL on a base backup, and returns the address of one
// of its databases.
func (c *cluster) startRestored(port, folder, database string) string {
	c.t.Helper()
	options := fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%s -c unix_socket_directories=%s "+
		"-c synchronous_standby_names='' -c hba_file=%s/pg_hba.conf -c ident_file=%s/pg_ident.conf", port, folder, folder,
		folder)
	c.asPostgres("pg_ctl", "-D", folder, "-l", folder+".log", "-o", options, "-w", "start")
	c.t.Cleanup(func() { c.asPostgres("pg_ctl", "-D", folder, "-m", "immediate", "stop") })
	return fmt.Sprintf("postgres://holdfast@127.0.0.1:%s/%s?sslmode=disable", port, database)
}

// asPostgres runs a program of PostgreSQL, as PostgreSQL's own user if the test
// runs as root.
func (c *cluster) asPostgres(program string, args ...string) {
	c.t.Helper()
	bin, err := exec.Command("../../scripts/find-postgres").Output()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(strings.TrimSpace(string(bin)), program), args...)
	cmd.Dir = c.dir
	log, err := os.CreateTemp(c.t.TempDir(), program)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log // a pipe would stay open as long as the server that pg_ctl starts
	holdfasttest.AsPostgres(c.t, cmd)
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		c.t.Fatalf("%s: %v\n%s", program, err, text)
	}
}
