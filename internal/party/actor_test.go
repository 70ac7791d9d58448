package party_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func entry() party.AuditEntry {
	return party.AuditEntry{
		ID: "E1", At: time.Date(2026, 11, 30, 18, 0, 0, 1000, time.UTC),
		Actor:  party.Actor{Kind: party.ActorCommand, ID: "ann", From: "till"},
		Action: "caller.change", Caller: "C1", Object: "C1",
		Before: party.Facts{"name": "Shop"}, After: party.Facts{"name": "Store"},
	}
}

// Each part of an entry changes its hash, and so does the entry before.
func TestHashOfAnAuditEntry(t *testing.T) {
	made, err := entry().Chain(7, party.AuditHash{1})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[party.AuditHash]string{made.Hash: "the entry itself"}
	for name, change := range map[string]func(*party.AuditEntry){
		"id":       func(e *party.AuditEntry) { e.ID = "E2" },
		"time":     func(e *party.AuditEntry) { e.At = e.At.Add(time.Microsecond) },
		"kind":     func(e *party.AuditEntry) { e.Actor.Kind = party.ActorMember },
		"actor":    func(e *party.AuditEntry) { e.Actor.ID = "ben" },
		"name":     func(e *party.AuditEntry) { e.Actor.Name = "Ben" },
		"from":     func(e *party.AuditEntry) { e.Actor.From = "desk" },
		"action":   func(e *party.AuditEntry) { e.Action = "caller.create" },
		"caller":   func(e *party.AuditEntry) { e.Caller = "C2" },
		"object":   func(e *party.AuditEntry) { e.Object = "C2" },
		"before":   func(e *party.AuditEntry) { e.Before = party.Facts{"name": "Shops"} },
		"after":    func(e *party.AuditEntry) { e.After = party.Facts{} },
		"position": func(e *party.AuditEntry) { e.Position = 8 },
		"previous": func(e *party.AuditEntry) { e.Previous = party.AuditHash{2} },
	} {
		e := made
		change(&e)
		changed, err := e.Chain(e.Position, e.Previous)
		if err != nil {
			t.Fatal(err)
		}
		if same, has := seen[changed.Hash]; has {
			t.Errorf("another %s has the hash of %s", name, same)
		}
		seen[changed.Hash] = name
	}
}

// A card number does not get into the audit log, a long text only in part, and what
// stays the same not at all.
func TestCompleteAuditEntry(t *testing.T) {
	e := entry()
	e.Before["zone"] = "UTC"
	e.After = party.Facts{
		"note": "card 4242 4242 4242 4242", "text": strings.Repeat("ä", 300), "name": "Store", "zone": "UTC",
	}
	done, err := e.Complete()
	if err != nil {
		t.Fatal(err)
	}
	want := party.Facts{"note": "(a card number)", "text": strings.Repeat("ä", 250), "name": "Store"}
	if diff := cmp.Diff(want, done.After); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(party.Facts{"name": "Shop"}, done.Before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	for name, change := range map[string]func(*party.AuditEntry){
		"no action":     func(e *party.AuditEntry) { e.Action = "" },
		"a sentence":    func(e *party.AuditEntry) { e.Action = "Changed a caller" },
		"no time":       func(e *party.AuditEntry) { e.At = time.Time{} },
		"nobody did it": func(e *party.AuditEntry) { e.Actor = party.Actor{} },
	} {
		e := entry()
		change(&e)
		if _, err := e.Complete(); err == nil {
			t.Errorf("%s: the entry is complete", name)
		}
	}
}
