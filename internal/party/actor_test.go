package party_test

import (
	"crypto/sha256"
	"fmt"
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

// chained is the hash of an entry with its place.
func chained(t *testing.T, e party.AuditEntry) party.AuditHash {
	t.Helper()
	before, err := e.Before.Text()
	if err != nil {
		t.Fatal(err)
	}
	after, err := e.After.Text()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := e.Digest(before, after)
	if err != nil {
		t.Fatal(err)
	}
	return digest.Chained(e.Position, e.Previous)
}

// The hash of an entry is the one that the record of the decision describes: that of a
// text with the position, the hash before and the hash of the entry as JSON.
func TestFormOfTheAuditHash(t *testing.T) {
	e := entry()
	e.Actor.Name, e.Object, e.After = "Ann \"A\"\n", "ä<", party.Facts{"zone": "UTC", "name": "Store"}
	e.Position, e.Previous = 7, party.AuditHash{1}
	const text = `{"id":"E1","at":"2026-11-30T18:00:00.000001Z","actorKind":"command","actorId":"ann",` +
		`"actorName":"Ann \"A\"\n","from":"till","action":"caller.change","caller":"C1","object":"ä<",` +
		`"before":{"name":"Shop"},"after":{"name":"Store","zone":"UTC"}}`
	digest := party.AuditHash(sha256.Sum256([]byte(text)))
	want := party.AuditHash(sha256.Sum256(fmt.Appendf(nil, "7 %s %s", e.Previous, digest)))
	if got := chained(t, e); got != want {
		t.Errorf("the hash is %s, want %s", got, want)
	}
}

// Each part of an entry changes its hash, and so does the entry before.
func TestHashOfAnAuditEntry(t *testing.T) {
	made := entry()
	made.Position, made.Previous = 7, party.AuditHash{1}
	seen := map[party.AuditHash]string{chained(t, made): "the entry itself"}
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
		changed := chained(t, e)
		if same, has := seen[changed]; has {
			t.Errorf("another %s has the hash of %s", name, same)
		}
		seen[changed] = name
	}
}

// A card number does not get into the audit log, a long text only in part, and what
// stays the same not at all.
func TestCompleteAuditEntry(t *testing.T) {
	e := entry()
	e.Before["zone"] = "UTC"
	e.After = party.Facts{
		"note": "card 4242 4242 4242 4242", "text": strings.Repeat("ä", 300), "name": "Store", "zone": "UTC", "bad": "a\xff",
	}
	e.Object = "a\xff"
	done, err := e.Complete()
	if err != nil {
		t.Fatal(err)
	}
	want := party.Facts{"note": "(a card number)", "text": strings.Repeat("ä", 250), "name": "Store", "bad": "a\uFFFD"}
	if diff := cmp.Diff(want, done.After); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	if done.Object != "a\uFFFD" {
		t.Errorf("the object is %q", done.Object)
	}
	if diff := cmp.Diff(party.Facts{"name": "Shop"}, done.Before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	for name, change := range map[string]func(*party.AuditEntry){
		"no action":     func(e *party.AuditEntry) { e.Action = "" },
		"no verb":       func(e *party.AuditEntry) { e.Action = "caller." },
		"a low line":    func(e *party.AuditEntry) { e.Action = "caller.change_" },
		"two low lines": func(e *party.AuditEntry) { e.Action = "caller.change__name" },
		"three parts":   func(e *party.AuditEntry) { e.Action = "caller.change.name" },
		"no caller":     func(e *party.AuditEntry) { e.Actor.Kind, e.Caller = party.ActorKey, "" },
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
