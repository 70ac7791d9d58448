package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

type keyVerb struct {
	Add    keyAdd    `cmd:"" help:"Make a key for a caller. Its secret is shown only once."`
	List   keyList   `cmd:"" help:"List the keys of callers, the oldest first."`
	Rotate keyRotate `cmd:"" help:"Replace a key by a new one. The old one works on for a while."`
	Revoke keyRevoke `cmd:"" help:"End a key for good."`
}

// A keyAnswer is a key of either kind, as --json prints it.
type keyAnswer struct {
	KeyID           string         `json:"keyId"`
	Kind            party.KeyKind  `json:"kind"`
	CallerID        party.CallerID `json:"callerId"`
	Name            string         `json:"name"`
	State           party.KeyState `json:"state"`
	Scopes          []party.Scope  `json:"scopes,omitempty"`
	HoldLimit       dollars        `json:"holdLimit,omitzero"`
	DayLimit        dollars        `json:"dayLimit,omitzero"`
	Created         time.Time      `json:"created"`
	Expires         time.Time      `json:"expires,omitzero"`
	Revoked         time.Time      `json:"revoked,omitzero"`
	LastUsed        time.Time      `json:"lastUsed,omitzero"`
	ReplacedBy      string         `json:"replacedBy,omitempty"`
	Key             string         `json:"key,omitempty"`             // the secret of a JSON key
	SecretAccessKey string         `json:"secretAccessKey,omitempty"` // the secret of an access key
}

func describeKey(k party.JSONKey, now time.Time) keyAnswer {
	return keyAnswer{
		KeyID: string(k.ID), Kind: party.KindJSON, CallerID: k.Caller, Name: k.Name, State: k.State(now),
		Scopes: k.Scopes.List(), HoldLimit: dollars(k.HoldLimit), DayLimit: dollars(k.DayLimit), Created: k.Created,
		Expires: k.Expires, Revoked: k.Revoked, LastUsed: k.LastUsed, ReplacedBy: string(k.ReplacedBy),
	}
}

// describeAccessKey describes an access key, with its secret if it is new.
func describeAccessKey(k party.AccessKey, now time.Time) keyAnswer {
	return keyAnswer{
		KeyID: k.ID, Kind: party.KindAccess, CallerID: k.Caller, Name: k.Name, State: k.State(now), Created: k.Created,
		Expires: k.Expires, Revoked: k.Revoked, LastUsed: k.LastUsed, ReplacedBy: k.ReplacedBy,
		SecretAccessKey: string(k.Secret.Reveal()),
	}
}

// works reports whether the key is accepted now.
func (a keyAnswer) works() bool { return a.State == party.KeyActive || a.State == party.KeyReplaced }

func (a keyAnswer) facts() []fact {
	facts := []fact{
		{"key id", a.KeyID},
		{"kind", string(a.Kind)},
		{"caller", string(a.CallerID)},
		{"name", a.Name},
		{"state", string(a.State)},
	}
	if a.Kind == party.KindJSON {
		facts = append(facts, []fact{
			{"scopes", joinedScopes(a.Scopes)},
			{"limit per hold", or(a.HoldLimit.String(), "none")},
			{"limit per day", or(a.DayLimit.String(), "none")},
		}...)
	}
	return append(facts, []fact{
		{"created", moment(a.Created)},
		{"expires", or(moment(a.Expires), "never")},
		{"revoked", moment(a.Revoked)},
		{"last used", or(moment(a.LastUsed), "never")},
		{"replaced by", a.ReplacedBy},
		{"key", a.Key},
		{"secret key", a.SecretAccessKey},
	}...)
}

// cells is a row of a table. An access key may do everything that FPS has.
func (a keyAnswer) cells() []string {
	scopes := joinedScopes(a.Scopes)
	if a.Kind == party.KindAccess {
		scopes = "all of FPS"
	}
	return []string{
		a.KeyID, string(a.Kind), a.Name, string(a.State), scopes, or(a.HoldLimit.String(), "no limit"),
		or(a.DayLimit.String(), "no limit"), or(moment(a.Expires), "never"), or(moment(a.LastUsed), "never"),
	}
}

var keyColumns = []string{
	"key_id", "kind", "caller_id", "name", "state", "scopes", "hold_limit", "day_limit", "created", "expires", "revoked",
	"last_used", "replaced_by",
}

// record is a row of a CSV file.
func (a keyAnswer) record() []string {
	return []string{
		a.KeyID, string(a.Kind), string(a.CallerID), a.Name, string(a.State), joinedScopes(a.Scopes),
		decimalOrNone(a.HoldLimit), decimalOrNone(a.DayLimit), timeCell(a.Created), timeCell(a.Expires), timeCell(a.Revoked),
		timeCell(a.LastUsed), a.ReplacedBy,
	}
}

func joinedScopes(all []party.Scope) string {
	words := make([]string, len(all))
	for i, scope := range all {
		words[i] = string(scope)
	}
	return strings.Join(words, " ")
}

// print prints a key. A new one has its secret.
func (a keyAnswer) print(w world, asJSON bool) error {
	if asJSON {
		return printJSON(w.Out, a)
	}
	if err := printFacts(w.Out, a.facts()); err != nil || a.Key == "" && a.SecretAccessKey == "" {
		return err
	}
	_, err := fmt.Fprintln(w.Out, "\nKeep the key now: it is not shown again.")
	return err
}

type keyAdd struct {
	storeFlags
	Caller    string        `help:"Make the key for this caller, if there are several." placeholder:"ID"`
	Kind      party.KeyKind `help:"Make a key of this kind: json for the JSON API, or access for programs that sign requests of FPS." enum:"access,json" default:"json" placeholder:"KIND"`
	Name      string        `help:"Name the key, for example after the program that uses it." required:"" placeholder:"NAME"`
	Scopes    []string      `help:"Let a JSON key do only this: read, hold, settle, refund, manage. By default all but manage." placeholder:"SCOPE"`
	HoldLimit *dollars      `help:"Refuse a hold, settle or refund with a JSON key above this amount, such as 500.00." placeholder:"AMOUNT"`
	DayLimit  *dollars      `help:"Refuse what goes above this amount in a day with a JSON key: what is held, what is settled and what is refunded, each by itself." placeholder:"AMOUNT"`
	Life      time.Duration `help:"End the key after this time, such as 90d." placeholder:"DURATION"`
	JSON      bool          `name:"json" help:"Print one line of JSON."`
}

var defaultScopes = []string{"read", "hold", "settle", "refund"}

func (v keyAdd) Run(ctx context.Context, w world) error {
	if v.Kind == party.KindAccess {
		return v.addAccess(ctx, w)
	}
	if v.Scopes == nil {
		v.Scopes = defaultScopes
	}
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
	key, text, err := clerk(db, w).AddKey(ctx, caller.ID, n)
	if err != nil {
		return err
	}
	a := describeKey(key, w.Now())
	a.Key = text
	return a.print(w, v.JSON)
}

func (v keyAdd) addAccess(ctx context.Context, w world) error {
	if v.Scopes != nil || v.HoldLimit != nil || v.DayLimit != nil {
		return misuseError{errors.New("--scopes, --hold-limit and --day-limit are for JSON keys; an access key may do " +
			"everything that FPS has")}
	}
	db, caller, err := v.openFor(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	key, err := clerk(db, w).AddAccessKey(ctx, caller.ID, processor.NewAccessKey{Name: v.Name, Life: v.Life})
	if err != nil {
		return err
	}
	return describeAccessKey(key, w.Now()).print(w, v.JSON)
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
	Caller string        `help:"List the keys of this caller only." placeholder:"ID"`
	Kind   party.KeyKind `help:"List keys of this kind only: access or json." enum:"access,json," default:"" placeholder:"KIND"`
	All    bool          `help:"List keys that have expired or were revoked, too."`
	listOutput
}

func (v keyList) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := keysOf(ctx, db.Reader, v.Caller, w.Now())
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(a keyAnswer) bool {
		return !v.All && !a.works() || v.Kind != "" && v.Kind != a.Kind
	})
	return printList(w, v.listOutput, keys, keyColumns,
		[]string{"KEY", "KIND", "NAME", "STATE", "SCOPES", "PER HOLD", "PER DAY", "EXPIRES", "LAST USED"})
}

// keysOf reads the keys of one caller, or of all callers if none is named: its
// access keys, and then its JSON keys.
func keysOf(ctx context.Context, r store.Reader, id string, now time.Time) (keys []keyAnswer, err error) {
	callers, err := meantCallers(ctx, r, id)
	if err != nil {
		return nil, err
	}
	err = r.View(ctx, func(tx *store.ReadTx) error {
		keys = nil
		for _, c := range callers {
			signing, err := tx.AccessKeysOf(c.ID)
			if err != nil {
				return err
			}
			for _, k := range signing {
				keys = append(keys, describeAccessKey(k, now))
			}
			bearer, err := tx.JSONKeysOf(c.ID)
			if err != nil {
				return err
			}
			for _, k := range bearer {
				keys = append(keys, describeKey(k, now))
			}
		}
		return nil
	})
	return keys, err
}

// isAccessKey reports whether an id is that of an access key.
func isAccessKey(ctx context.Context, r store.Reader, id string) (found bool, err error) {
	err = r.View(ctx, func(tx *store.ReadTx) error {
		_, found, err = tx.AccessKey(id)
		return err
	})
	return found, err
}

type keyRotate struct {
	storeFlags
	Key     string        `arg:"" help:"Replace the key with this id, of either kind (see holdfast key list)."`
	Overlap time.Duration `help:"Let the old key work on for this time." default:"24h" placeholder:"DURATION"`
	JSON    bool          `name:"json" help:"Print one line of JSON."`
}

func (v keyRotate) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	before, after, err := v.rotate(ctx, db, w)
	if err != nil {
		return err
	}
	if err := after.print(w, v.JSON); err != nil || v.JSON {
		return err
	}
	_, err = fmt.Fprintf(w.Out, "The old key %s works until %s.\n", before.KeyID, moment(before.Expires))
	return err
}

func (v keyRotate) rotate(ctx context.Context, db *store.DB, w world) (before, after keyAnswer, err error) {
	signs, err := isAccessKey(ctx, db.Reader, v.Key)
	if err != nil {
		return before, after, err
	}
	if signs {
		old, key, err := clerk(db, w).RotateAccessKey(ctx, v.Key, v.Overlap)
		return describeAccessKey(old, w.Now()), describeAccessKey(key, w.Now()), err
	}
	old, key, text, err := clerk(db, w).RotateKey(ctx, party.JSONKeyID(v.Key), v.Overlap)
	after = describeKey(key, w.Now())
	after.Key = text
	return describeKey(old, w.Now()), after, err
}

type keyRevoke struct {
	storeFlags
	Key  string `arg:"" help:"End the key with this id, of either kind (see holdfast key list)."`
	JSON bool   `name:"json" help:"Print one line of JSON."`
}

func (v keyRevoke) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	signs, err := isAccessKey(ctx, db.Reader, v.Key)
	if err != nil {
		return err
	}
	if signs {
		key, err := clerk(db, w).RevokeAccessKey(ctx, v.Key)
		if err != nil {
			return err
		}
		return describeAccessKey(key, w.Now()).print(w, v.JSON)
	}
	key, err := clerk(db, w).RevokeKey(ctx, party.JSONKeyID(v.Key))
	if err != nil {
		return err
	}
	return describeKey(key, w.Now()).print(w, v.JSON)
}
