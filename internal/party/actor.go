package party

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/holdfast-pay/holdfast/money"
)

// An ActorKind says what kind of thing carries out an action.
type ActorKind string

// The kinds of actors.
const (
	ActorMember  ActorKind = "member"  // a person who works in the console
	ActorKey     ActorKind = "key"     // a program of a caller, with an access key or a JSON key
	ActorCommand ActorKind = "command" // a person at the server's machine
	ActorParty   ActorKind = "party"   // a buyer or seller, on the pages of accounts and payments
	ActorServer  ActorKind = "server"  // the server by itself
)

// An Actor is the person, key or command that carries out an action.
type Actor struct {
	Kind ActorKind
	ID   string // of the party or the key, or the name of the user at the machine
	Name string // for people; may be empty
	From string // an address, or the name of a machine
}

// Actor is the party as the actor of what it does on its own pages. from is the address
// of its browser. The zero party is somebody who has not signed in.
func (p Party) Actor(from string) Actor {
	return Actor{Kind: ActorParty, ID: string(p.ID), Name: p.Email, From: from}
}

// TheServer is the actor of background work.
var TheServer = Actor{Kind: ActorServer, ID: "holdfast"}

// Facts are some values of an object, by their names.
type Facts map[string]string

// An AuditAction names what was done, such as "caller.change".
type AuditAction string

var auditActions = regexp.MustCompile(`^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$`)

// An AuditEntry is one action in the audit log. An entry has no position until it
// is in the chain.
type AuditEntry struct {
	ID    string
	At    time.Time // real time
	Actor Actor
	// Action, Caller and Object say what was done, for which caller and to what. Caller
	// is empty for what belongs to the server, and Object may be empty.
	Action AuditAction
	Caller CallerID
	Object string
	// Before and After are what the action has changed. They hold no secrets.
	Before, After Facts

	Position int64
	Previous AuditHash // of the entry before
	Hash     AuditHash // of this entry
}

// An AuditHash is the hash of an entry. It depends on all entries before it.
type AuditHash [sha256.Size]byte

// String is the hash in hexadecimal digits.
func (h AuditHash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns the hexadecimal digits.
func (h AuditHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (h *AuditHash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return errors.New("a hash of the audit log has 64 hexadecimal digits")
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// factMax is the length of the longest fact, in bytes.
const factMax = 500

// Complete returns the entry as it is stored: with the facts that the action has
// changed, without card numbers, and with long values cut. It fails if the entry does
// not say what was done.
func (e AuditEntry) Complete() (AuditEntry, error) {
	if !auditActions.MatchString(string(e.Action)) || e.At.IsZero() || e.Actor.Kind == "" {
		return e, fmt.Errorf("logging the action %q of %q: the entry is not complete", e.Action, e.Actor.Kind)
	}
	e.Before, e.After = e.Before.without(e.After).plain(), e.After.without(e.Before).plain()
	return e, nil
}

func (f Facts) plain() Facts {
	kept := make(Facts, len(f))
	for name, value := range f {
		if LooksLikeCard(value) {
			value = "(a card number)"
		}
		for len(value) > factMax {
			_, size := utf8.DecodeLastRuneInString(value)
			value = value[:len(value)-size]
		}
		kept[name] = value
	}
	return kept
}

// without returns the facts that differ from others.
func (f Facts) without(same Facts) Facts {
	if len(same) == 0 {
		return f
	}
	kept := maps.Clone(f)
	maps.DeleteFunc(kept, func(name, value string) bool {
		other, has := same[name]
		return has && other == value
	})
	return kept
}

// Facts are what an operator may change of a party, for the audit log. Name and e-mail
// address stay out of it, because they can be erased.
func (p Party) Facts() Facts {
	facts := Facts{
		"standing": string(p.Standing), "business": strconv.FormatBool(p.Business),
		"verified": strconv.FormatBool(p.Verified), "email_verified": strconv.FormatBool(p.EmailVerified),
	}
	for name, limit := range map[string]money.Amount{
		"sending_limit": p.SendingLimit, "receiving_limit": p.ReceivingLimit,
	} {
		if limit.Given() {
			facts[name] = limit.String()
		} else {
			facts[name] = ""
		}
	}
	return facts
}

// Text is the JSON of facts, with the names in their order.
func (f Facts) Text() (string, error) {
	if len(f) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(f, json.Deterministic(true))
	return string(text), err
}

// chained is what the hash of an entry covers, in this order.
type chained struct {
	Position  int64       `json:"position"`
	Previous  AuditHash   `json:"previous"`
	ID        string      `json:"id"`
	At        time.Time   `json:"at"`
	ActorKind ActorKind   `json:"actorKind"`
	ActorID   string      `json:"actorId"`
	ActorName string      `json:"actorName"`
	From      string      `json:"from"`
	Action    AuditAction `json:"action"`
	Caller    CallerID    `json:"caller"`
	Object    string      `json:"object"`
	Before    Facts       `json:"before"`
	After     Facts       `json:"after"`
}

// Chain returns the entry at the position behind another entry. Its hash is the
// SHA-256 of the entry as JSON, with its position and the hash of the entry before.
func (e AuditEntry) Chain(position int64, previous AuditHash) (AuditEntry, error) {
	e.Position, e.Previous = position, previous
	text, err := json.Marshal(chained{
		e.Position, e.Previous, e.ID, e.At.UTC(), e.Actor.Kind, e.Actor.ID, e.Actor.Name, e.Actor.From, e.Action, e.Caller,
		e.Object, e.Before, e.After,
	}, json.Deterministic(true))
	if err != nil {
		return e, fmt.Errorf("hashing the audit entry %s: %w", e.ID, err)
	}
	e.Hash = sha256.Sum256(text)
	return e, nil
}
