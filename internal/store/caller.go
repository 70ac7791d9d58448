package store

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

const callerColumns = `
	caller_id, owner, name, descriptor, ipn_url, bare_return, pending_first, pending_notice, signature_v1,
	marketplace, resume, sandbox, clock_offset, created, reuse_cancelled, return_schemes`

// joinedCallerColumns are callerColumns of the table callers joined as c.
var joinedCallerColumns = joined("c", callerColumns)

func scanCaller(row scanner, more ...any) (c party.Caller, err error) {
	var offset, created int64
	err = row.Scan(append([]any{
		&c.ID, &c.Owner, &c.Name, &c.Descriptor, &c.IPNURL, &c.BareReturn, &c.PendingFirst, &c.PendingNotice, &c.SignatureV1,
		&c.Marketplace, &c.Resume, &c.Sandbox, &offset, &created,
		&c.ReuseCancelled, &c.ReturnSchemes,
	}, more...)...)
	c.ClockOffset, c.Created = time.Duration(offset)*time.Microsecond, when(created)
	return c, err
}

var callers = engine.NewSource(engine.Source[party.CallerID, party.Caller]{
	Doing: "reading a caller",
	Query: `SELECT ` + callerColumns + ` FROM callers WHERE caller_id = $1`,
	Many:  `SELECT ` + callerColumns + ` FROM callers WHERE caller_id = ANY($1::text[])`,
	Args:  func(id party.CallerID) []any { return []any{id} },
	Scan:  func(row scanner) (party.Caller, error) { return scanCaller(row) },
	Key:   func(c party.Caller) party.CallerID { return c.ID },
	Unlocked: "every action reads its caller, and would wait for a change of its clock or its settings; settings that " +
		"are a moment old do no harm",
	MayAppear: "its id is random and new when it is added, so no action can have looked for it",
})

// Caller reads a caller.
func (tx *ReadTx) Caller(id party.CallerID) (party.Caller, bool, error) {
	return callers.Get(tx.sql, id)
}

// Callers reads all callers, oldest first.
func (tx *ReadTx) Callers() ([]party.Caller, error) {
	return list(tx, "reading callers", func(row scanner) (party.Caller, error) { return scanCaller(row) }, `
		SELECT `+callerColumns+` FROM callers ORDER BY created, caller_id`)
}

// CallersOf reads the callers that a party owns, oldest first.
func (tx *ReadTx) CallersOf(owner party.ID) ([]party.Caller, error) {
	return list(tx, "reading a party's callers", func(row scanner) (party.Caller, error) { return scanCaller(row) }, `
		SELECT `+callerColumns+` FROM callers WHERE owner = $1 ORDER BY created, caller_id`, owner)
}

// A callerKey is an access key with the caller that it belongs to.
type callerKey struct {
	caller party.Caller
	key    party.AccessKey
}

// unsealed returns the caller and the key with its secret unsealed.
func (k callerKey) unsealed(s *sealer, found bool, err error) (party.Caller, party.AccessKey, bool, error) {
	if err != nil || !found {
		return k.caller, k.key, found, err
	}
	secret, err := s.unseal(k.key.Secret.Reveal(), accessKeyRow(k.key.ID))
	k.key.Secret = holdfast.NewSecretKey(string(secret))
	return k.caller, k.key, found && err == nil, err
}

var callersByKey = engine.NewSource(engine.Source[string, callerKey]{
	Doing: "reading an access key",
	Query: `
		SELECT ` + joinedCallerColumns + `, k.access_key_id, k.secret
		FROM access_keys k JOIN callers c ON c.caller_id = k.caller_id
		WHERE k.access_key_id = $1`,
	Many: `
		SELECT ` + joinedCallerColumns + `, k.access_key_id, k.secret
		FROM access_keys k JOIN callers c ON c.caller_id = k.caller_id
		WHERE k.access_key_id = ANY($1::text[])`,
	Args: func(id string) []any { return []any{id} },
	Scan: func(row scanner) (k callerKey, err error) {
		var secret []byte
		k.caller, err = scanCaller(row, &k.key.ID, &secret)
		k.key.Secret, k.key.Caller = holdfast.NewSecretKey(string(secret)), k.caller.ID
		return k, err
	},
	Key:      func(k callerKey) string { return k.key.ID },
	Unlocked: "it is read before the action begins",
})

// CallerByKey reads the caller that an access key belongs to, and the key.
func (tx *ReadTx) CallerByKey(accessKeyID string) (party.Caller, party.AccessKey, bool, error) {
	k, found, err := callersByKey.Get(tx.sql, accessKeyID)
	return k.unsealed(tx.dialect.sealer, found, err)
}

// CallerByKey is [ReadTx.CallerByKey] for the beginning of a request.
func (r Reader) CallerByKey(ctx context.Context, accessKeyID string) (party.Caller, party.AccessKey, bool, error) {
	var k callerKey
	var found bool
	err := r.glance(ctx, func(tx *ReadTx) (err error) {
		k, found, err = callersByKey.Get(tx.sql, accessKeyID)
		return err
	})
	return k.unsealed(r.dialect.sealer, found, err)
}

// InsertCaller adds a caller.
func (tx *Tx) InsertCaller(c party.Caller) error {
	return tx.one("adding a caller", `
		INSERT INTO callers (`+callerColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		c.ID, c.Owner, c.Name, c.Descriptor, c.IPNURL, flag(c.BareReturn), flag(c.PendingFirst), flag(c.PendingNotice),
		flag(c.SignatureV1), flag(c.Marketplace), flag(c.Resume), flag(c.Sandbox),
		c.ClockOffset.Microseconds(), micros(c.Created), flag(c.ReuseCancelled), c.ReturnSchemes)
}

// UpdateCaller writes a caller's settings and clock.
func (tx *Tx) UpdateCaller(c party.Caller) error {
	return tx.one("changing a caller", `
		UPDATE callers
		SET name = $1, ipn_url = $2, bare_return = $3, pending_first = $4, signature_v1 = $5, marketplace = $6,
			resume = $7, clock_offset = $8, descriptor = $9, reuse_cancelled = $10, return_schemes = $11, pending_notice = $12
		WHERE caller_id = $13`,
		c.Name, c.IPNURL, flag(c.BareReturn), flag(c.PendingFirst), flag(c.SignatureV1), flag(c.Marketplace), flag(c.Resume),
		c.ClockOffset.Microseconds(), c.Descriptor,
		flag(c.ReuseCancelled), c.ReturnSchemes, flag(c.PendingNotice), c.ID)
}

// InsertAccessKey adds a key that signs a caller's requests.
func (tx *Tx) InsertAccessKey(k party.AccessKey, now time.Time) error {
	return tx.one("adding an access key", `
		INSERT INTO access_keys (access_key_id, secret, caller_id, created) VALUES ($1, $2, $3, $4)`,
		k.ID, tx.dialect.sealer.seal(k.Secret.Reveal(), accessKeyRow(k.ID)), k.Caller, micros(now))
}
