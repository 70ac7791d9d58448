package store

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

//nolint:gosec // names of columns
const tokenColumns = `
	caller_id, token_id, token_use, token_type, reference, friendly_name,
	reason, installed, starts, expires, used_by, cancelled,
	old_token, instruction, sender, instrument_id, method, aggregate_id, amount_type, amount, period,
	recipient, recipients, methods, fee_ceiling, fixed_ceiling, variable_ceiling, pays_fee, refund_token`

// joinedTokenColumns are tokenColumns of the table tokens joined as k.
var joinedTokenColumns = joined("k", tokenColumns)

// neverExpires is the expiry in the database of a token that never expires: the
// last microsecond of the year 9999. So one comparison finds all tokens that
// have not expired.
var neverExpires = time.Date(10_000, time.January, 1, 0, 0, 0, -1_000, time.UTC)

func scanToken(row scanner) (t payment.Token, err error) {
	var installed, starts, expires, amount, fixed int64
	var variable money.Rate
	var period, recipients, methods string
	var ceiling bool
	err = row.Scan(&t.Caller, &t.ID, &t.Use, &t.Type, &t.Reference, &t.FriendlyName, &t.Reason, &installed, &starts,
		&expires, &t.UsedBy, &t.Cancelled,
		&t.OldToken, &t.Instruction, &t.Sender, &t.Instrument, &t.Method, &t.Aggregate, &t.AmountType, &amount, &period,
		&t.Recipient, &recipients, &methods, &ceiling, &fixed, &variable, &t.PaysFee, &t.RefundToken)
	if err != nil {
		return t, err
	}
	t.Installed, t.Starts, t.Amount = when(installed), when(starts), maybeDollars(amount)
	if t.Expires = when(expires); t.Expires.Equal(neverExpires) {
		t.Expires = time.Time{}
	}
	t.Period, _ = payment.ParsePeriod(period) // none is the zero Period
	t.Recipients, t.Methods = words[holdfast.TokenID](recipients), words[holdfast.PaymentMethod](methods)
	if ceiling {
		t.FeeCeiling = &payment.FeeCeiling{Fixed: dollars(fixed), Variable: variable}
	}
	return t, nil
}

// words reads a list of words from one column. wordList is its inverse.
func words[T ~string](column string) (list []T) {
	for _, word := range strings.Fields(column) {
		list = append(list, T(word))
	}
	return list
}

func wordList[T ~string](list []T) string {
	all := make([]string, len(list))
	for i, word := range list {
		all[i] = string(word)
	}
	return strings.Join(all, " ")
}

type tokenKey struct {
	caller party.CallerID
	id     holdfast.TokenID
}

var tokens = byKey(source[tokenKey, payment.Token]{
	doing: "reading a token",
	query: `SELECT ` + tokenColumns + ` FROM tokens WHERE caller_id = $1 AND token_id = $2`,
	many: `SELECT ` + tokenColumns + ` FROM tokens
		WHERE (caller_id, token_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
	args:    func(k tokenKey) []any { return []any{k.caller, k.id} },
	scan:    scanToken,
	key:     func(t payment.Token) tokenKey { return tokenKey{t.Caller, t.ID} },
	order:   `caller_id, token_id`,
	appears: "its id is random and new when it is added, so no action can have looked for it",
})

// TokenFor reads a token by its id. It may belong to another caller; the action
// must check that. The caller's own token is found by its key, without the
// index over all callers.
func (tx *ReadTx) TokenFor(c party.CallerID, id holdfast.TokenID) (payment.Token, bool, error) {
	if t, found, err := tokens.read(tx, tokenKey{c, id}); found || err != nil {
		return t, found, err
	}
	return tx.Token(id)
}

// Token reads a token by its id alone.
func (tx *ReadTx) Token(id holdfast.TokenID) (t payment.Token, found bool, err error) {
	t, err = scanToken(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+tokenColumns+` FROM tokens WHERE token_id = $1`, id))
	found, err = maybe("reading a token by its id alone", err)
	return t, found, err
}

// TokensBehind reads the senders' tokens of some transactions, keyed by token
// id.
func (tx *ReadTx) TokensBehind(some []payment.Transaction) (map[holdfast.TokenID]payment.Token, error) {
	found := make(map[tokenKey]row[payment.Token], len(some))
	for _, t := range some {
		found[tokenKey{t.Caller, t.Token}] = row[payment.Token]{}
	}
	if err := tokens.readAll(tx, found); err != nil {
		return nil, err
	}
	all := make(map[holdfast.TokenID]payment.Token, len(found))
	for key, t := range found {
		if t.found {
			all[key.id] = t.value
		}
	}
	return all, nil
}

// tokenByReference repeats the condition of its partial index. SQLite cannot
// know that the parameter is not empty, and would otherwise read all of the
// caller's tokens.
const tokenByReference = `SELECT ` + tokenColumns +
	` FROM tokens WHERE caller_id = $1 AND reference = $2 AND reference <> ''`

// TokenByReference reads the token that was made under a caller's reference.
func (tx *ReadTx) TokenByReference(
	c party.CallerID, ref holdfast.CallerReference,
) (t payment.Token, found bool, err error) {
	t, err = scanToken(tx.sql.QueryRowContext(tx.ctx, tokenByReference, c, ref))
	found, err = maybe("reading a token by reference", err)
	return t, found, err
}

// Successor reads the token that replaced a cancelled one.
func (tx *ReadTx) Successor(c party.CallerID, id holdfast.TokenID) (next holdfast.TokenID, found bool, err error) {
	err = tx.sql.QueryRowContext(tx.ctx, `
		SELECT token_id FROM tokens WHERE caller_id = $1 AND old_token = $2 AND old_token <> ''`, c, id).Scan(&next)
	found, err = maybe("reading the successor of a token", err)
	return next, found, err
}

// ActiveTokens reads a caller's tokens that can be used at now, the latest
// expiry first, at most limit.
func (tx *ReadTx) ActiveTokens(c party.CallerID, now time.Time, limit int) ([]payment.Token, error) {
	return list(tx, "reading active tokens", scanToken, `
		SELECT `+tokenColumns+` FROM tokens
		WHERE caller_id = $1 AND expires > $2 AND used_by = '' AND cancelled = 0
		ORDER BY expires DESC, token_id DESC LIMIT $3`, c, micros(now), limit)
}

// InactiveTokens reads a caller's tokens that can no longer be used at now, the
// newest id first, at most limit.
func (tx *ReadTx) InactiveTokens(c party.CallerID, now time.Time, limit int) ([]payment.Token, error) {
	return list(tx, "reading inactive tokens", scanToken, `
		SELECT `+tokenColumns+` FROM tokens
		WHERE caller_id = $1 AND (expires <= $2 OR used_by <> '' OR cancelled = 1)
		ORDER BY token_id DESC LIMIT $3`, c, micros(now), limit)
}

// A TokenPlace is a position in a party's list of tokens, which begins with the
// newest. The zero TokenPlace is the beginning.
type TokenPlace struct {
	Installed time.Time
	ID        holdfast.TokenID
}

// TokensOf reads the tokens that a party has given: those that it pays with,
// and those through which it is paid. It begins after a position, the newest
// first, and reads at most limit. If current is true, it leaves out tokens that
// are used, cancelled, or expired at real by their callers' clocks. It keeps an
// expired token that can still move money on a prepaid or credit instrument.
func (tx *ReadTx) TokensOf(
	p party.ID, current bool, real time.Time, after TokenPlace, limit int,
) ([]payment.Token, error) {
	if after == (TokenPlace{}) {
		after = TokenPlace{Installed: neverExpires}
	}
	return list(tx, "reading a party's tokens", scanToken, `
		SELECT `+joinedTokenColumns+`
		FROM tokens k JOIN callers c ON c.caller_id = k.caller_id
		WHERE (k.sender = $1 AND k.sender <> '' OR k.recipient = $1 AND k.token_use IN ('Receive', 'Refund'))
			AND (k.installed, k.token_id) < ($2, $3)
			AND ($4 = 0 OR k.used_by = '' AND k.cancelled = 0 AND (k.expires > $5 + c.clock_offset OR EXISTS (
				SELECT 1 FROM aggregate_instruments a
				WHERE k.aggregate_id <> '' AND a.caller_id = k.caller_id AND a.aggregate_id = k.aggregate_id AND a.balance > 0
					AND a.method = CASE k.token_use WHEN 'Settle' THEN 'Debt' WHEN 'Pay' THEN 'Prepaid' ELSE '' END)))
		ORDER BY k.installed DESC, k.token_id DESC LIMIT $6`,
		p, micros(after.Installed), after.ID, flag(current), micros(real), limit)
}

// TokenOf reads a token that a party has given, by its handle on the party's
// pages.
func (tx *ReadTx) TokenOf(p party.ID, h payment.TokenHandle) (t payment.Token, found bool, err error) {
	installed, ok := h.Installed()
	if !ok {
		return t, false, nil
	}
	at, err := list(tx, "reading a party's token", scanToken, `
		SELECT `+tokenColumns+` FROM tokens
		WHERE (sender = $1 AND sender <> '' OR recipient = $1 AND token_use IN ('Receive', 'Refund')) AND installed = $2`,
		p, micros(installed))
	for _, t := range at {
		if t.Handle() == h {
			return t, true, err
		}
	}
	return t, false, err
}

var insertToken = insertion("adding a token", "tokens", "ON CONFLICT DO NOTHING",
	columns(text, "caller_id, token_id, token_use, token_type, reference, friendly_name, reason"),
	columns(number, "installed, starts, expires"), columns(text, "used_by"), columns(number, "cancelled"),
	columns(text, "old_token, instruction, sender, instrument_id, method, aggregate_id, amount_type"),
	columns(number, "amount"), columns(text, "period, recipient, recipients, methods"),
	columns(number, "fee_ceiling, fixed_ceiling, variable_ceiling, pays_fee"), columns(text, "refund_token"))

// InsertToken adds a token, and reports whether its reference was free.
func (tx *Tx) InsertToken(t payment.Token) (inserted bool, err error) {
	var rows int64
	insert := insertToken.statement(tx.dialect, tokenRow(t))
	insert.touched = &rows
	err = tx.sql.run(tx.ctx, insert)
	return rows == 1, err
}

func tokenRow(t payment.Token) []any {
	period := ""
	if !t.Period.Endless() {
		period = t.Period.String()
	}
	expires := t.Expires
	if expires.IsZero() {
		expires = neverExpires
	}
	var ceiling payment.FeeCeiling
	if t.FeeCeiling != nil {
		ceiling = *t.FeeCeiling
	}
	return []any{
		t.Caller, t.ID, t.Use, t.Type, t.Reference, t.FriendlyName, t.Reason, micros(t.Installed), micros(t.Starts),
		micros(expires), t.UsedBy, flag(t.Cancelled),
		t.OldToken, t.Instruction, t.Sender, t.Instrument, t.Method, t.Aggregate, t.AmountType, t.Amount.Micro, period,
		t.Recipient, wordList(t.Recipients), wordList(t.Methods), flag(t.FeeCeiling != nil), ceiling.Fixed.Micro,
		int64(ceiling.Variable), flag(t.PaysFee), t.RefundToken,
	}
}

// KeepExpired keeps a caller's tokens and instruments expired that were expired
// at before, when the caller's clock is put back to the earlier time after.
func (tx *Tx) KeepExpired(c party.CallerID, before, after time.Time) error {
	for _, table := range []string{"tokens", "aggregate_instruments"} {
		_, err := tx.exec("keeping tokens and instruments expired", `
			UPDATE `+table+` SET expires = $1 WHERE caller_id = $2 AND expires > $1 AND expires <= $3`,
			micros(after), c, micros(before))
		if err != nil {
			return err
		}
	}
	return nil
}

var useToken = update{
	doing: "using a token", table: "tokens",
	set: columns(text, "used_by"), key: columns(text, "caller_id, token_id"), guard: columns(text, "used_by"),
}.change()

// UseToken marks a single-use token as used. It is ErrStale if the token is
// already used.
func (tx *Tx) UseToken(c party.CallerID, id holdfast.TokenID, by holdfast.TransactionID) error {
	return tx.write(useToken, tokenKey{c, id}, by, c, id, "")
}

// CancelToken marks a token as cancelled. It is ErrStale if the token is
// already cancelled or used.
func (tx *Tx) CancelToken(c party.CallerID, id holdfast.TokenID) error {
	return tx.one("cancelling a token", `
		UPDATE tokens SET cancelled = 1 WHERE caller_id = $1 AND token_id = $2 AND cancelled = 0 AND used_by = ''`, c, id)
}

// ExpireToken makes a token expire at a time. It is ErrStale if the token is
// cancelled or used.
func (tx *Tx) ExpireToken(c party.CallerID, id holdfast.TokenID, at time.Time) error {
	return tx.one("expiring a token", `
		UPDATE tokens SET expires = $1 WHERE caller_id = $2 AND token_id = $3 AND cancelled = 0 AND used_by = ''`,
		micros(at), c, id)
}

// Install adds the tokens, limits and instrument that a party has authorised,
// and reports whether their references were free.
func (tx *Tx) Install(made payment.Installation) (installed bool, err error) {
	for _, t := range made.Tokens {
		if installed, err = tx.InsertToken(t); err != nil || !installed {
			return false, err
		}
	}
	for _, l := range made.Limits {
		if err := tx.InsertLimit(l); err != nil {
			return false, err
		}
	}
	if made.Aggregate != nil {
		return true, tx.InsertAggregate(*made.Aggregate)
	}
	return true, nil
}
