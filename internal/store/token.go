package store

import (
	"cmp"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A tokenRow is a row of the table tokens. What has another form there is read
// into the fields of its own.
type tokenRow struct {
	payment.Token
	expires                     time.Time
	period, recipients, methods string
	hasCeiling                  bool
	ceiling                     payment.FeeCeiling
}

var tokenTable = table[tokenRow]{name: "tokens", fields: fields[tokenRow]{
	textField("caller_id", func(t *tokenRow) *party.CallerID { return &t.Caller }),
	textField("token_id", func(t *tokenRow) *holdfast.TokenID { return &t.ID }),
	textField("token_use", func(t *tokenRow) *payment.TokenUse { return &t.Use }),
	textField("token_type", func(t *tokenRow) *holdfast.TokenType { return &t.Type }),
	textField("reference", func(t *tokenRow) *holdfast.CallerReference { return &t.Reference }),
	textField("friendly_name", func(t *tokenRow) *string { return &t.FriendlyName }),
	textField("reason", func(t *tokenRow) *string { return &t.Reason }),
	textField("old_token", func(t *tokenRow) *holdfast.TokenID { return &t.OldToken }),
	textField("instruction", func(t *tokenRow) *string { return &t.Instruction }),
	textField("sender", func(t *tokenRow) *party.ID { return &t.Sender }),
	textField("instrument_id", func(t *tokenRow) *payment.InstrumentID { return &t.Instrument }),
	textField("method", func(t *tokenRow) *holdfast.PaymentMethod { return &t.Method }),
	textField("aggregate_id", func(t *tokenRow) *payment.AggregateID { return &t.Aggregate }),
	textField("amount_type", func(t *tokenRow) *holdfast.AmountType { return &t.AmountType }),
	textField("period", func(t *tokenRow) *string { return &t.period }),
	textField("recipient", func(t *tokenRow) *party.ID { return &t.Recipient }),
	textField("recipients", func(t *tokenRow) *string { return &t.recipients }),
	textField("methods", func(t *tokenRow) *string { return &t.methods }),
	textField("refund_token", func(t *tokenRow) *holdfast.TokenID { return &t.RefundToken }),
	maybeDollarsField("amount", func(t *tokenRow) *money.Amount { return &t.Amount }),
	flagField("fee_ceiling", func(t *tokenRow) *bool { return &t.hasCeiling }).orNull(),
	dollarsField("fixed_ceiling", func(t *tokenRow) *money.Amount { return &t.ceiling.Fixed }).orNull(),
	numberField("variable_ceiling", func(t *tokenRow) *money.Rate { return &t.ceiling.Variable }).orNull(),
	flagField("pays_fee", func(t *tokenRow) *bool { return &t.PaysFee }).orNull(),
	timeField("installed", func(t *tokenRow) *time.Time { return &t.Installed }),
	timeField("starts", func(t *tokenRow) *time.Time { return &t.Starts }),
	timeField("expires", func(t *tokenRow) *time.Time { return &t.expires }),
	flagField("cancelled", func(t *tokenRow) *bool { return &t.Cancelled }),
	textField("used_by", func(t *tokenRow) *holdfast.TransactionID { return &t.UsedBy }),
	numberField("events", func(t *tokenRow) *int { return &t.Events }).orNull(),
}}

var (
	tokenColumns = tokenTable.list()
	scanTokenRow = tokenTable.scanner()
)

// joinedTokenColumns are tokenColumns of the table tokens joined as k.
var joinedTokenColumns = joined("k", tokenColumns)

// neverExpires is the expiry in the database of a token that never expires: the
// last microsecond of the year 9999. So one comparison finds all tokens that
// have not expired.
var neverExpires = time.Date(10_000, time.January, 1, 0, 0, 0, -1_000, time.UTC)

func scanToken(from scanner) (payment.Token, error) {
	row, err := scanTokenRow(from)
	if err != nil {
		return payment.Token{}, err
	}
	t := row.Token
	if t.Expires = row.expires; t.Expires.Equal(neverExpires) {
		t.Expires = time.Time{}
	}
	t.Period, _ = payment.ParsePeriod(row.period) // none is the zero Period
	t.Recipients, t.Methods = words[holdfast.TokenID](row.recipients), words[holdfast.PaymentMethod](row.methods)
	if row.hasCeiling {
		t.FeeCeiling = &row.ceiling
	}
	return t, nil
}

// valuesOf are the values of a token's row.
func valuesOf(t payment.Token) []any {
	row := tokenRow{Token: t, expires: t.Expires, hasCeiling: t.FeeCeiling != nil}
	if !t.Period.Endless() {
		row.period = t.Period.String()
	}
	if t.Expires.IsZero() {
		row.expires = neverExpires
	}
	row.recipients, row.methods = wordList(t.Recipients), wordList(t.Methods)
	if t.FeeCeiling != nil {
		row.ceiling = *t.FeeCeiling
	}
	return tokenTable.fields.values(&row)
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

var tokens = engine.NewSource(engine.Source[tokenKey, payment.Token]{
	Doing: "reading a token",
	Query: `SELECT ` + tokenColumns + ` FROM tokens WHERE caller_id = $1 AND token_id = $2`,
	Many: `SELECT ` + tokenColumns + ` FROM tokens
		WHERE (caller_id, token_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
	Args:      func(k tokenKey) []any { return []any{k.caller, k.id} },
	Scan:      scanToken,
	Key:       func(t payment.Token) tokenKey { return tokenKey{t.Caller, t.ID} },
	Order:     `caller_id, token_id`,
	MayAppear: "its id is random and new when it is added, so no action can have looked for it",
})

// TokenFor reads a token by its id. It may belong to another caller; the action
// must check that. The caller's own token is found by its key, without the
// index over all callers.
func (tx *ReadTx) TokenFor(c party.CallerID, id holdfast.TokenID) (payment.Token, bool, error) {
	if t, found, err := tokens.Get(tx.sql, tokenKey{c, id}); found || err != nil {
		return t, found, err
	}
	return tx.Token(id)
}

// Token reads a token by its id alone.
func (tx *ReadTx) Token(id holdfast.TokenID) (t payment.Token, found bool, err error) {
	t, err = scanToken(tx.sql.QueryRow(`
		SELECT `+tokenColumns+` FROM tokens WHERE token_id = $1`, id))
	found, err = maybe("reading a token by its id alone", err)
	return t, found, err
}

// TokensBehind reads the senders' tokens of some transactions, keyed by token
// id.
func (tx *ReadTx) TokensBehind(some []payment.Transaction) (map[holdfast.TokenID]payment.Token, error) {
	var keys []tokenKey
	for _, t := range some {
		keys = append(keys, tokenKey{t.Caller, t.Token})
	}
	found, err := tokens.GetAll(tx.sql, keys)
	if err != nil {
		return nil, err
	}
	all := make(map[holdfast.TokenID]payment.Token, len(found))
	for key, t := range found {
		all[key.id] = t
	}
	return all, nil
}

// tokenByReference repeats the condition of its partial index. SQLite cannot
// know that the parameter is not empty, and would otherwise read all of the
// caller's tokens.
var tokenByReference = `SELECT ` + tokenColumns +
	` FROM tokens WHERE caller_id = $1 AND reference = $2 AND reference <> ''`

// TokenByReference reads the token that was made under a caller's reference.
func (tx *ReadTx) TokenByReference(
	c party.CallerID, ref holdfast.CallerReference,
) (t payment.Token, found bool, err error) {
	t, err = scanToken(tx.sql.QueryRow(tokenByReference, c, ref))
	found, err = maybe("reading a token by reference", err)
	return t, found, err
}

// Successor reads the token that replaced a cancelled one.
func (tx *ReadTx) Successor(c party.CallerID, id holdfast.TokenID) (next holdfast.TokenID, found bool, err error) {
	err = tx.sql.QueryRow(`
		SELECT token_id FROM tokens WHERE caller_id = $1 AND old_token = $2 AND old_token <> ''`, c, id).Scan(&next)
	found, err = maybe("reading the successor of a token", err)
	return next, found, err
}

// ActiveTokens reads a caller's tokens that can be used at now, the latest
// expiry first, at most limit.
func (tx *ReadTx) ActiveTokens(c party.CallerID, now time.Time, limit int) ([]payment.Token, error) {
	return list(tx, "reading active tokens", scanToken, `
		SELECT `+tokenColumns+` FROM tokens
		WHERE caller_id = $1 AND expires > 0 AND expires > $2 AND used_by = '' AND cancelled = 0
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

var insertToken = tokens.Change(tokenTable.insertion("adding a token", "ON CONFLICT DO NOTHING"))

// InsertToken adds a token, and reports whether its reference was free. A caller
// with events gets one.
func (tx *Tx) InsertToken(t payment.Token) (inserted bool, err error) {
	caller, has, err := tx.hasEvents(t.Caller)
	if err != nil {
		return false, err
	}
	if has {
		t.Events++
	}
	rows, err := insertToken.Now(tx.sql, valuesOf(t)...)
	if err != nil || rows != 1 || !has {
		return rows == 1, err
	}
	e := t.Event(payment.EventTokenCreated, t.Installed)
	e.Seq = t.Events
	return true, tx.AddEvent(e, t.Installed.Add(-caller.ClockOffset))
}

// KeepExpired keeps a caller's tokens, instruments and checkouts expired that were
// expired at before, when the caller's clock is put back to the earlier time after.
func (tx *Tx) KeepExpired(c party.CallerID, before, after time.Time) error {
	for _, table := range []string{"tokens", "aggregate_instruments"} {
		_, err := tx.exec("keeping tokens and instruments expired", `
			UPDATE `+table+` SET expires = $1
			WHERE caller_id = $2 AND expires > 0 AND expires > $1 AND expires <= $3`,
			micros(after), c, micros(before))
		if err != nil {
			return err
		}
	}
	_, err := tx.exec("keeping checkouts expired", `
		UPDATE visits SET expires = $1 WHERE caller_id = $2 AND checkout = 'Open' AND expires > $1 AND expires <= $3`,
		micros(after), c, micros(before))
	return err
}

var useToken = tokens.Change(engine.Update{
	Doing: "using a token", Table: "tokens",
	Set: engine.Columns(engine.Text, "used_by"), Key: engine.Columns(engine.Text, "caller_id, token_id"),
	Guard: engine.Columns(engine.Text, "used_by"),
})

// UseToken marks a single-use token as used. It is ErrStale if the token is
// already used.
func (tx *Tx) UseToken(c party.CallerID, id holdfast.TokenID, by holdfast.TransactionID) error {
	return useToken.Write(tx.sql, tokenKey{c, id}, by, c, id, "")
}

// CancelToken marks a token as cancelled. It is ErrStale if the token is
// already cancelled or used. A caller with events gets one. real is the real
// time.
func (tx *Tx) CancelToken(c party.CallerID, id holdfast.TokenID, real time.Time) error {
	err := tx.one("cancelling a token", `
		UPDATE tokens SET cancelled = 1 WHERE caller_id = $1 AND token_id = $2 AND cancelled = 0 AND used_by = ''`, c, id)
	if err != nil {
		return err
	}
	return tx.addTokenEvent(c, id, payment.EventTokenCancelled, real)
}

// ExpireToken makes a token expire at a time of its caller. It is ErrStale if the
// token is cancelled or used. A caller with events gets one, of the real time.
func (tx *Tx) ExpireToken(c party.CallerID, id holdfast.TokenID, at, real time.Time) error {
	err := tx.one("expiring a token", `
		UPDATE tokens SET expires = $1 WHERE caller_id = $2 AND token_id = $3 AND cancelled = 0 AND used_by = ''`,
		micros(at), c, id)
	if err != nil {
		return err
	}
	return tx.addTokenEvent(c, id, payment.EventTokenCancelled, real)
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

// A TokenFilter selects tokens of a caller. Zero fields select all.
type TokenFilter struct {
	State payment.TokenState // at Now, the caller's time
	Now   time.Time
	Type  holdfast.TokenType
}

// TokensOfCaller reads a page of a caller's tokens with a filter, at most limit: the
// newest first, or with the state Active the latest expiry first. It begins after a
// token of the same list. The zero token is the beginning. next is the token after
// which the next page begins, or nil; only its id and its expiry are set. A page reads a
// bounded number of rows, and may be short.
func (tx *ReadTx) TokensOfCaller(
	c party.CallerID, f TokenFilter, after payment.Token, limit int,
) (page []payment.Token, next *payment.Token, err error) {
	byExpiry := f.State == payment.TokenIsActive
	q := callerTokens[byExpiry]
	rows := func(after payment.Token, n int) ([]payment.Token, error) {
		args := []any{c, cmp.Or(after.ID, lastID), n, f.Type, f.State, micros(f.Now), limit + 1}
		if byExpiry {
			args = append(args, expiryOf(after))
		}
		return list(tx, "reading a caller's tokens", scanToken, q.page, args...)
	}
	if f.State == "" && f.Type == "" {
		page, err = rows(after, limit+1) // all rows are selected
	} else {
		page, next, err = parted(limit+1, after, rows, func(after payment.Token, n int) (*payment.Token, error) {
			args := []any{c, cmp.Or(after.ID, lastID), n - 1}
			if byExpiry {
				args = append(args, expiryOf(after), micros(f.Now))
			}
			return firstOf(list(tx, "looking for the end of a part of a caller's tokens", scanTokenPlace, q.last, args...))
		})
	}
	if len(page) > limit {
		page = page[:limit]
		next = &payment.Token{ID: page[limit-1].ID, Expires: page[limit-1].Expires}
	}
	return page, next, err
}

// expiryOf is the expiry of a token in the database. The zero token, at the beginning of
// a list, never expires.
func expiryOf(t payment.Token) int64 {
	if t.Expires.IsZero() {
		return micros(neverExpires)
	}
	return micros(t.Expires)
}

// scanTokenPlace reads the id and the expiry of a token.
func scanTokenPlace(row scanner) (t payment.Token, err error) {
	if err = row.Scan(&t.ID, timeDest{&t.Expires}); t.Expires.Equal(neverExpires) {
		t.Expires = time.Time{}
	}
	return t, err
}

// callerTokens are the queries for a caller's tokens, by whether they are in the order of
// their expiry. They begin with the comparison with the previous page; see listings.
var callerTokens = func() map[bool]tokenIndex {
	const selects = `) AS part
		WHERE ($4 = '' OR token_type = $4) AND ($5 = '' OR $5 = CASE WHEN cancelled = 1 THEN 'Cancelled'
			WHEN used_by <> '' THEN 'Used' WHEN expires <= $6 THEN 'Expired' ELSE 'Active' END)`
	const byID, byExpiry = ` ORDER BY token_id DESC LIMIT `, ` ORDER BY expires DESC, token_id DESC LIMIT `
	ids := ` FROM tokens WHERE token_id < $2 AND caller_id = $1` + byID
	expiring := func(after, now string) string {
		return ` FROM tokens WHERE (expires, token_id) < (` + after + `, $2) AND caller_id = $1 AND expires > ` + now +
			` AND expires > 0` + byExpiry
	}
	return map[bool]tokenIndex{
		false: {
			page: `SELECT ` + tokenColumns + ` FROM (SELECT ` + tokenColumns + ids + `$3` + selects + byID + `$7`,
			last: `SELECT token_id, expires` + ids + `1 OFFSET $3`,
		},
		true: {
			page: `SELECT ` + tokenColumns + ` FROM (SELECT ` + tokenColumns + expiring("$8", "$6") + `$3` + selects +
				byExpiry + `$7`,
			last: `SELECT token_id, expires` + expiring("$4", "$5") + `1 OFFSET $3`,
		},
	}
}()
