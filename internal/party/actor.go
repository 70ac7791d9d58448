package party

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

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

// valid reports whether an action has two parts of small letters and single low lines.
func (a AuditAction) valid() bool {
	kind, verb, found := strings.Cut(string(a), ".")
	return found && isWords(kind) && isWords(verb)
}

// isWords reports whether text is words of small letters with a low line between two.
func isWords(text string) bool {
	letter := false
	for _, c := range []byte(text) {
		is := 'a' <= c && c <= 'z'
		if !is && (c != '_' || !letter) {
			return false
		}
		letter = is
	}
	return letter
}

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

// An AuditHash is the hash of an entry. In the chain it depends on all entries before.
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
// changed, without card numbers, in valid UTF-8, and with long values cut. It fails if
// the entry does not say what was done, or not for which caller a key acts.
func (e AuditEntry) Complete() (AuditEntry, error) {
	if !e.Action.valid() || e.At.IsZero() || e.Actor.Kind == "" || e.Actor.Kind == ActorKey && e.Caller == "" {
		return e, fmt.Errorf("logging the action %q of %q: the entry is not complete", e.Action, e.Actor.Kind)
	}
	for _, text := range []*string{&e.Actor.ID, &e.Actor.Name, &e.Actor.From, &e.Object} {
		*text = strings.ToValidUTF8(*text, "\uFFFD")
	}
	e.Before, e.After = e.Before.without(e.After).plain(), e.After.without(e.Before).plain()
	return e, nil
}

// plain returns the facts with values that may be stored.
func (f Facts) plain() Facts {
	kept, copied := f, false
	for name, value := range f {
		plain := plainFact(value)
		if plain == value {
			continue
		}
		if !copied {
			kept, copied = maps.Clone(f), true
		}
		kept[name] = plain
	}
	return kept
}

func plainFact(value string) string {
	if LooksLikeCard(value) {
		return "(a card number)"
	}
	value = strings.ToValidUTF8(value, "\uFFFD")
	for len(value) > factMax {
		_, size := utf8.DecodeLastRuneInString(value)
		value = value[:len(value)-size]
	}
	return value
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
	text, before := make([]byte, 0, factsRoom), `{`
	for _, name := range slices.Sorted(maps.Keys(f)) {
		var err error
		if text, err = appendPart(text, before, name); err == nil {
			text, err = appendPart(text, `:`, f[name])
		}
		if err != nil {
			return "", err
		}
		before = `,`
	}
	return string(append(text, '}')), nil
}

// appendPart appends a text as JSON, behind what stands before it.
func appendPart(to []byte, before, text string) ([]byte, error) {
	return jsontext.AppendQuote(append(to, before...), text)
}

// The usual sizes of facts and of an entry as JSON.
const factsRoom, entryRoom = 160, 512

// Digest is the SHA-256 of the entry as JSON, without its place in the chain. before
// and after are its facts as they are stored.
func (e AuditEntry) Digest(before, after string) (AuditHash, error) {
	text, err := make([]byte, 0, entryRoom), error(nil)
	for _, part := range [...]struct{ before, text string }{
		{`{"id":`, e.ID},
		{`,"at":`, e.At.UTC().Format(time.RFC3339Nano)},
		{`,"actorKind":`, string(e.Actor.Kind)},
		{`,"actorId":`, e.Actor.ID},
		{`,"actorName":`, e.Actor.Name},
		{`,"from":`, e.Actor.From},
		{`,"action":`, string(e.Action)},
		{`,"caller":`, string(e.Caller)},
		{`,"object":`, e.Object},
	} {
		if text, err = appendPart(text, part.before, part.text); err != nil {
			return AuditHash{}, fmt.Errorf("hashing the audit entry %s: %w", e.ID, err)
		}
	}
	text = append(append(text, `,"before":`...), before...)
	text = append(append(text, `,"after":`...), after...)
	return sha256.Sum256(append(text, '}')), nil
}

// Chained is the hash of the entry with the digest h at the position behind another
// entry: the SHA-256 of the position, the hash of the entry before and the digest, with
// a blank between two of them.
func (h AuditHash) Chained(position int64, previous AuditHash) AuditHash {
	text := make([]byte, 0, chainedRoom)
	text = append(strconv.AppendInt(text, position, 10), ' ')
	text = append(hex.AppendEncode(text, previous[:]), ' ')
	return sha256.Sum256(hex.AppendEncode(text, h[:]))
}

const chainedRoom = 160
