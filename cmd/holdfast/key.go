package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

type keyVerb struct {
	Add    keyAdd    `cmd:"" help:"Make a bearer key for the JSON API. The key is shown only once."`
	List   keyList   `cmd:"" help:"List the JSON keys of a caller, the oldest first."`
	Rotate keyRotate `cmd:"" help:"Replace a key by a new one. The old one works on for a while."`
	Revoke keyRevoke `cmd:"" help:"End a key for good."`
}

// A keyAnswer is a key as --json prints it.
type keyAnswer struct {
	KeyID      party.JSONKeyID `json:"keyId"`
	CallerID   party.CallerID  `json:"callerId"`
	Name       string          `json:"name"`
	State      string          `json:"state"`
	Scopes     []party.Scope   `json:"scopes"`
	HoldLimit  dollars         `json:"holdLimit,omitzero"`
	DayLimit   dollars         `json:"dayLimit,omitzero"`
	Created    time.Time       `json:"created"`
	Expires    time.Time       `json:"expires,omitzero"`
	Revoked    time.Time       `json:"revoked,omitzero"`
	LastUsed   time.Time       `json:"lastUsed,omitzero"`
	ReplacedBy party.JSONKeyID `json:"replacedBy,omitempty"`
	Key        string          `json:"key,omitempty"` // the secret
}

func describeKey(k party.JSONKey, now time.Time) keyAnswer {
	return keyAnswer{
		KeyID: k.ID, CallerID: k.Caller, Name: k.Name, State: stateOfKey(k, now), Scopes: k.Scopes.List(),
		HoldLimit: dollars(k.HoldLimit), DayLimit: dollars(k.DayLimit), Created: k.Created, Expires: k.Expires,
		Revoked: k.Revoked, LastUsed: k.LastUsed, ReplacedBy: k.ReplacedBy,
	}
}

// stateOfKey is active, replaced (it still works), expired or revoked.
func stateOfKey(k party.JSONKey, now time.Time) string {
	if err := k.Usable(now); err != nil {
		if k.Revoked.IsZero() {
			return "expired"
		}
		return "revoked"
	}
	if k.ReplacedBy != "" {
		return "replaced"
	}
	return "active"
}

func (a keyAnswer) facts() []fact {
	return []fact{
		{"key id", string(a.KeyID)},
		{"caller", string(a.CallerID)},
		{"name", a.Name},
		{"state", a.State},
		{"scopes", joinedScopes(a.Scopes)},
		{"limit per hold", or(a.HoldLimit.String(), "none")},
		{"limit per day", or(a.DayLimit.String(), "none")},
		{"created", moment(a.Created)},
		{"expires", or(moment(a.Expires), "never")},
		{"revoked", moment(a.Revoked)},
		{"last used", or(moment(a.LastUsed), "never")},
		{"replaced by", string(a.ReplacedBy)},
		{"key", a.Key},
	}
}

func joinedScopes(all []party.Scope) string {
	words := make([]string, len(all))
	for i, scope := range all {
		words[i] = string(scope)
	}
	return strings.Join(words, " ")
}

// printKey prints a key. A new key comes with its secret.
func printKey(w world, k party.JSONKey, secret string, asJSON bool) error {
	a := describeKey(k, w.Now())
	a.Key = secret
	if asJSON {
		return printJSON(w.Out, a)
	}
	if err := printFacts(w.Out, a.facts()); err != nil || secret == "" {
		return err
	}
	_, err := fmt.Fprintln(w.Out, "\nKeep the key now: it is not shown again.")
	return err
}

type keyAdd struct {
	storeFlags
	Caller    string        `help:"Make the key for this caller, if there are several." placeholder:"ID"`
	Name      string        `help:"Name the key, for example after the program that uses it." required:"" placeholder:"NAME"`
	Scopes    []string      `help:"Let the key do only this: read, hold, settle, refund, manage." default:"read,hold,settle,refund" placeholder:"SCOPE"`
	HoldLimit *dollars      `help:"Refuse a hold, settle or refund above this amount, such as 500.00." placeholder:"AMOUNT"`
	DayLimit  *dollars      `help:"Refuse what goes above this amount in a day: what is held, what is settled and what is refunded, each by itself." placeholder:"AMOUNT"`
	Life      time.Duration `help:"End the key after this time, such as 90d." placeholder:"DURATION"`
	JSON      bool          `name:"json" help:"Print one line of JSON."`
}

func (v keyAdd) Run(ctx context.Context, w world) error {
	scopes, err := party.ParseScopes(v.Scopes)
	if err != nil {
		return misuseError{fmt.Errorf("--scopes: %w", err)}
	}
	n := processor.NewKey{Name: v.Name, Scopes: scopes, Life: v.Life}
	if err := keyLimits(&n, v.HoldLimit, v.DayLimit); err != nil {
		return err
	}
	db, caller, err := v.openFor(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	key, secret, err := clerk(db, w).AddKey(ctx, caller.ID, n)
	if err != nil {
		return err
	}
	return printKey(w, key, secret, v.JSON)
}

// keyLimits sets the limits that are given. A limit of nothing would be no limit.
func keyLimits(n *processor.NewKey, hold, day *dollars) error {
	for _, limit := range []struct {
		flag  string
		given *dollars
		to    *money.Amount
	}{{"--hold-limit", hold, &n.HoldLimit}, {"--day-limit", day, &n.DayLimit}} {
		if limit.given == nil {
			continue
		}
		if *limit.to = money.Amount(*limit.given); !limit.to.Positive() {
			return misuseError{fmt.Errorf("%s: give an amount above zero", limit.flag)}
		}
	}
	return nil
}

type keyList struct {
	storeFlags
	Caller string `help:"List the keys of this caller only." placeholder:"ID"`
	All    bool   `help:"List keys that have expired or were revoked, too."`
	JSON   bool   `name:"json" help:"Print one line of JSON for each."`
}

func (v keyList) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := keysOf(ctx, db.Reader, v.Caller)
	if err != nil {
		return err
	}
	table := newColumns(w.Out, "KEY", "NAME", "STATE", "SCOPES", "PER HOLD", "PER DAY", "EXPIRES", "LAST USED")
	for _, k := range keys {
		a := describeKey(k, w.Now())
		switch {
		case !v.All && k.Usable(w.Now()) != nil:
		case v.JSON:
			if err := printJSON(w.Out, a); err != nil {
				return err
			}
		default:
			table.row(string(a.KeyID), a.Name, a.State, joinedScopes(a.Scopes), or(a.HoldLimit.String(), "no limit"),
				or(a.DayLimit.String(), "no limit"), or(moment(a.Expires), "never"), or(moment(a.LastUsed), "never"))
		}
	}
	return table.Flush()
}

// keysOf reads the keys of one caller, or of all callers if none is named.
func keysOf(ctx context.Context, r store.Reader, id string) (keys []party.JSONKey, err error) {
	callers, err := meantCallers(ctx, r, id)
	if err != nil {
		return nil, err
	}
	err = r.View(ctx, func(tx *store.ReadTx) error {
		keys = nil
		for _, c := range callers {
			some, err := tx.JSONKeysOf(c.ID)
			if err != nil {
				return err
			}
			keys = append(keys, some...)
		}
		return nil
	})
	return keys, err
}

type keyRotate struct {
	storeFlags
	Key     party.JSONKeyID `arg:"" help:"Replace the key with this id (see holdfast key list)."`
	Overlap time.Duration   `help:"Let the old key work on for this time." default:"24h" placeholder:"DURATION"`
	JSON    bool            `name:"json" help:"Print one line of JSON."`
}

func (v keyRotate) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	old, key, secret, err := clerk(db, w).RotateKey(ctx, v.Key, v.Overlap)
	if err != nil {
		return err
	}
	if err := printKey(w, key, secret, v.JSON); err != nil || v.JSON {
		return err
	}
	_, err = fmt.Fprintf(w.Out, "The old key %s works until %s.\n", old.ID, moment(old.Expires))
	return err
}

type keyRevoke struct {
	storeFlags
	Key  party.JSONKeyID `arg:"" help:"End the key with this id (see holdfast key list)."`
	JSON bool            `name:"json" help:"Print one line of JSON."`
}

func (v keyRevoke) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	key, err := clerk(db, w).RevokeKey(ctx, v.Key)
	if err != nil {
		return err
	}
	return printKey(w, key, "", v.JSON)
}
