package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A TokenPlace is a position in a party's list of tokens, which begins with the
// newest. The zero TokenPlace is the beginning.
type TokenPlace struct {
	Installed time.Time
	ID        holdfast.TokenID
}

// PlaceOfToken is the place of a token.
func PlaceOfToken(t payment.Token) TokenPlace { return TokenPlace{t.Installed, t.ID} }

// Handle is the handle of the token at the place.
func (p TokenPlace) Handle() payment.TokenHandle {
	return payment.Token{ID: p.ID, Installed: p.Installed}.Handle()
}

// compare orders places as the list does.
func (p TokenPlace) compare(other TokenPlace) int {
	return cmp.Or(other.Installed.Compare(p.Installed), cmp.Compare(other.ID, p.ID))
}

// PartyTokens selects tokens that a party has given: those that it pays with, and those
// through which it is paid.
type PartyTokens struct {
	Party party.ID
	// Current leaves out tokens that are used, cancelled, or expired at Real by their
	// callers' clocks. It keeps an expired token that can still move money on a prepaid
	// or credit instrument.
	Current bool
	Real    time.Time
	// Instrument selects the tokens that are paid with an instrument. Empty selects all.
	Instrument payment.InstrumentID
}

// all reports whether the selection leaves nothing out.
func (s PartyTokens) all() bool { return !s.Current && s.Instrument == "" }

// PartyTokensReadMost is how many rows of each index one page of a party's tokens reads.
const PartyTokensReadMost = boundedMax

// A tokenIndex has queries for some rows of an index of tokens that come after a place: page
// reads those that are selected, and last the place of the last one.
type tokenIndex struct{ page, last string }

// The queries begin with the comparison with the previous page; see listings.
var tokenIndexes = func() (all []tokenIndex) {
	const order = ` ORDER BY installed DESC, token_id DESC LIMIT `
	for _, of := range []string{`sender = $1 AND sender <> ''`, `recipient = $1 AND token_use IN ('Receive', 'Refund')`} {
		from := ` FROM tokens WHERE (installed, token_id) < ($2, $3) AND ` + of + order
		all = append(all, tokenIndex{
			page: `SELECT ` + tokenColumns + ` FROM (SELECT ` + tokenColumns + from + `$4) AS part
				WHERE ($5 = '' OR instrument_id = $5) AND ($6 = 0 OR used_by = '' AND cancelled = 0 AND (
					expires > $7 + (SELECT clock_offset FROM callers c WHERE c.caller_id = part.caller_id) OR EXISTS (
					SELECT 1 FROM aggregate_instruments a
					WHERE part.aggregate_id <> '' AND a.caller_id = part.caller_id AND a.aggregate_id = part.aggregate_id
						AND a.balance > 0 AND a.method = CASE part.token_use
							WHEN 'Settle' THEN 'Debt' WHEN 'Pay' THEN 'Prepaid' ELSE '' END)))` + order + `$8`,
			last: `SELECT installed, token_id` + from + `1 OFFSET $4`,
		})
	}
	return all
}()

// TokensOf reads a page of a party's tokens, the newest first, at most limit. It begins
// after a place. next is the place after which the next page begins, or nil. A page reads
// a bounded number of rows, so it costs the same however many tokens the party has. It may
// be short, or empty, although more follow.
func (tx *ReadTx) TokensOf(s PartyTokens, after TokenPlace, limit int) (
	page []payment.Token, next *TokenPlace, err error,
) {
	if after == (TokenPlace{}) {
		after = TokenPlace{Installed: neverExpires}
	}
	for _, index := range tokenIndexes {
		some, last, err := tx.tokensIn(index, s, after, limit+1)
		if err != nil {
			return nil, nil, err
		}
		page = append(page, some...)
		if last != nil && (next == nil || last.compare(*next) < 0) {
			next = last
		}
	}
	slices.SortFunc(page, func(a, b payment.Token) int { return PlaceOfToken(a).compare(PlaceOfToken(b)) })
	// A token may be in both indexes. What is behind the last row of a part may have rows
	// before it that were not read.
	page = slices.CompactFunc(page, func(a, b payment.Token) bool { return a.ID == b.ID && a.Caller == b.Caller })
	if next != nil {
		page = slices.DeleteFunc(page, func(t payment.Token) bool { return PlaceOfToken(t).compare(*next) > 0 })
	}
	if len(page) > limit {
		page = page[:limit]
		at := PlaceOfToken(page[limit-1])
		next = &at
	}
	return page, next, nil
}

// tokensIn reads the tokens of a page that one index has. last is the last row that was
// read, or nil if nothing follows, or the page is full.
func (tx *ReadTx) tokensIn(
	index tokenIndex, s PartyTokens, after TokenPlace, limit int,
) (page []payment.Token, last *TokenPlace, err error) {
	if s.all() {
		page, err = tx.tokensInPart(index, s, after, limit, limit)
		return page, nil, err
	}
	scan := func(row scanner) (p TokenPlace, err error) { return p, row.Scan(timeDest{&p.Installed}, &p.ID) }
	return parted(limit, after, func(after TokenPlace, n int) ([]payment.Token, error) {
		return tx.tokensInPart(index, s, after, n, limit)
	}, func(after TokenPlace, n int) (*TokenPlace, error) {
		return firstOf(list(tx, "looking for the end of a part of a party's tokens", scan, index.last,
			s.Party, micros(after.Installed), after.ID, n-1))
	})
}

func (tx *ReadTx) tokensInPart(
	index tokenIndex, s PartyTokens, after TokenPlace, part, limit int,
) ([]payment.Token, error) {
	return list(tx, "reading a party's tokens", scanToken, index.page, s.Party, micros(after.Installed), after.ID,
		part, s.Instrument, flag(s.Current), micros(s.Real), limit)
}

// tokensInstalledAt are the tokens that a party has given at one time.
var tokensInstalledAt = `
	SELECT ` + tokenColumns + ` FROM tokens
	WHERE (sender = $1 AND sender <> '' OR recipient = $1 AND token_use IN ('Receive', 'Refund')) AND installed = $2`

// TokenOf reads a token that a party has given, by its handle on the party's
// pages.
func (tx *ReadTx) TokenOf(p party.ID, h payment.TokenHandle) (t payment.Token, found bool, err error) {
	installed, ok := h.Installed()
	if !ok {
		return t, false, nil
	}
	at, err := list(tx, "reading a party's token", scanToken, tokensInstalledAt, p, micros(installed))
	for _, t := range at {
		if t.Handle() == h {
			return t, true, err
		}
	}
	return t, false, err
}
