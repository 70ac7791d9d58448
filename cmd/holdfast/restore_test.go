package main

import (
	"database/sql"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A backup of a running server is restored. The server on the restored store says
// that it is paused, and refuses to move money until the operator has resumed it.
func TestBackupRestoreResume(t *testing.T) {
	now := time.Now // the server's loops wait in real time
	_, p, _ := startServer(t, &sandbox.Network{Now: now}, now)
	running := filepath.Join(p.answer.DataDir, serverFile)
	held, err := p.client().Reserve(t.Context(), holdfast.ReserveRequest{
		SenderTokenID: p.token("order-1-token", holdfasttest.USD("9.00")), CallerReference: "order-1",
		TransactionAmount: holdfasttest.USD("9.00"),
	})
	if err != nil {
		t.Fatal(err)
	}
	token := p.token("order-2-token", holdfasttest.USD("5.00"))
	folder := t.TempDir()
	backup, restored := filepath.Join(folder, "backup.db"), filepath.Join(folder, "restored.db")
	if out := onStore(t, running, "backup", backup); !strings.Contains(out, "has the store as it was at") {
		t.Errorf("backup prints %q", out)
	}
	out := onStore(t, restored, "restore", backup)
	if !strings.Contains(out, "The books are right (1 caller, ") || !strings.Contains(out, "The store is paused") {
		t.Errorf("restore prints %q", out)
	}

	db, err := openStore(t.Context(), store.Config{Address: restored})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	again, client := serveOn(t, db, p)
	if status, body := askReady(t, again, "*/*"); status != http.StatusServiceUnavailable ||
		!strings.Contains(body, "deliveries: FAILED: are paused since") || !strings.Contains(body, "holdfast resume") {
		t.Errorf("/readyz of the restored store: %d %s", status, body)
	}
	settle := func() error {
		_, err := client.Settle(t.Context(), holdfast.SettleRequest{ReserveTransactionID: held.TransactionID})
		return err
	}
	reserve := func() error {
		_, err := client.Reserve(t.Context(), holdfast.ReserveRequest{
			SenderTokenID: token, CallerReference: "order-2", TransactionAmount: holdfasttest.USD("5.00"),
		})
		return err
	}
	for doing, err := range map[string]error{"settle": settle(), "reserve": reserve()} {
		refusal, ok := errors.AsType[*holdfast.Error](err)
		if !ok || refusal.Code != holdfast.ServiceUnavailable || refusal.Status != http.StatusServiceUnavailable {
			t.Errorf("in the restored store, %s is answered with %v", doing, err)
		}
	}
	out, code := holdfastCommand(t, "resume", "--store", restored)
	if code != exitFailed || !strings.Contains(out, "The store stays paused") || !strings.Contains(out, "--drop-all") {
		t.Errorf("resume without a decision: %d %q", code, out)
	}
	if out := onStore(t, restored, "resume", "--drop-all"); !strings.Contains(out, "The store is resumed. 1 notice") {
		t.Errorf("resume prints %q", out)
	}
	if err := again.beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, body := askReady(t, again, "*/*"); status != http.StatusOK {
		t.Errorf("/readyz of the resumed store: %d %s", status, body)
	}
	if err := errors.Join(settle(), reserve()); err != nil {
		t.Errorf("in the resumed store: %v", err)
	}
	if out, code := holdfastCommand(t, "resume", "--store", restored); code != exitFailed ||
		!strings.Contains(out, "the store is not paused") {
		t.Errorf("a second resume: %d %q", code, out)
	}
}

// serveOn starts another server on a store, and returns it with the client of a
// demo's caller.
func serveOn(t *testing.T, db *store.DB, p *process) (*server, *holdfast.Client) {
	t.Helper()
	s := startOn(t, db, &sandbox.Network{Now: time.Now}, time.Now)
	t.Cleanup(s.stop)
	client := p.client()
	client.Endpoint = s.PublicURL.String()
	client.RetriesMax = -1
	return s, client
}

// A backup whose books are wrong is not restored by mistake, and leaves nothing.
func TestRestoreOfWrongBooks(t *testing.T) {
	folder := t.TempDir()
	backup, restored := filepath.Join(folder, "backup.db"), filepath.Join(t.TempDir(), "restored.db")
	from := holdfasttest.Addresses(t)["SQLite"](t)
	db := holdfasttest.Open(t, from)
	w := holdfasttest.NewWorld(t, db)
	w.Reserved("9.00", "order-1")
	onStore(t, from, "backup", backup)
	raw, err := sql.Open("sqlite", backup)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.ExecContext(t.Context(),
		`UPDATE steps SET postings = replace(postings, '"held"', '"fees"')`); err != nil {
		t.Fatal(err)
	}
	out, code := holdfastCommand(t, "restore", "--store", restored, backup)
	if code != exitFailed || !strings.Contains(out, "the books of the backup are wrong in") {
		t.Errorf("wrong books: %d %q", code, out)
	}
	if _, err := os.Stat(restored); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("they are restored: %v", err)
	}
	if out := onStore(t, restored, "restore", "--accept-wrong-books", backup); !strings.Contains(out,
		"The books are wrong in") {
		t.Errorf("restore prints %q", out)
	}
}
