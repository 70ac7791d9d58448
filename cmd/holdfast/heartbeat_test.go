package main

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A server goes on next to one of another version with the same schema. It ends when
// a newer program has changed the schema under it.
func TestAServerEndsWithAnUnknownSchema(t *testing.T) {
	s, p, _ := startServer(t, &sandbox.Network{Now: time.Now}, time.Now)
	other := s.row
	other.ID, other.Version = "another", "9.9.9"
	if err := s.Store.Beat(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if !s.beatOrEnd(t.Context()) {
		t.Error("it ends next to another version")
	}
	raw, err := sql.Open("sqlite", filepath.Join(p.answer.DataDir, serverFile))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_, err = raw.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)`)
	if err != nil {
		t.Fatal(err)
	}
	if s.beatOrEnd(t.Context()) {
		t.Error("it goes on with a schema that it does not know")
	}
	if err := s.Ended.wait(t.Context()); !errors.Is(err, store.ErrNewSchema) {
		t.Errorf("it ends with %v", err)
	}
}
