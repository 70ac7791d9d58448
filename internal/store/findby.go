package store

import (
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// The reads of a search. An index and a limit bound each of them.
var (
	requestsSpelled = `SELECT ` + requestColumns + ` FROM requests WHERE caller_id = $1 AND `
	tokensSpelled   = `SELECT ` + tokenColumns + ` FROM tokens WHERE caller_id = $1 AND reference <> '' AND `
	visitsSpelled   = `SELECT ` + visitColumns + ` FROM visits WHERE caller_id = $1 AND `

	ofSender = `SELECT ` + transactionColumns + ` FROM (SELECT ` + transactionColumns + newestOfSender + ` LIMIT $4) AS newest
		WHERE $3 = '' OR caller_id = $3 ORDER BY received DESC, transaction_id DESC LIMIT $2`
	guestsWithEmail = `SELECT ` + partyColumns + ` FROM parties
		WHERE guest = 1 AND lower(email) = $1 ORDER BY party_id DESC LIMIT $2`
	cardsWithLast4 = `SELECT ` + instrumentColumns + ` FROM instruments
		WHERE last4 = $1 AND last4 <> '' ORDER BY created DESC LIMIT $2`

	textsOfNewest = `SELECT ` + transactionColumns + ` FROM (
			SELECT ` + transactionColumns + ` FROM transactions WHERE caller_id = $1 AND received > 0
			ORDER BY received DESC, transaction_id DESC LIMIT $2) AS newest
		WHERE lower(caller_description || ' / ' || sender_description) LIKE $3 ESCAPE '!'
		ORDER BY received DESC, transaction_id DESC LIMIT $4`

	networkEventNamed = `SELECT ` + networkEventColumns + ` FROM network_events
		WHERE account_id = $1 AND event_id = $2`
	paymentsNamed = `SELECT ` + networkPaymentColumns + ` FROM network_payments
		WHERE account_id = $1 AND reference = $2 AND reference <> '' LIMIT $3`
	chargesNamed = `SELECT ` + networkPaymentColumns + ` FROM network_payments
		WHERE account_id = $1 AND charge = $2 AND charge <> '' LIMIT $3`
	disputesNamed = `SELECT ` + disputeColumns + ` FROM disputes WHERE account_id = $1 AND dispute_id = $2`
	holdsNamed    = `SELECT ` + pageHoldColumns + ` FROM page_holds
		WHERE account_id = $1 AND reference = $2 AND reference <> '' LIMIT $3`

	eventsAboutObject = `SELECT ` + networkEventColumns + ` FROM network_events
		WHERE account_id = $1 AND object = $2 AND object <> '' LIMIT $3`
	eventsAboutParent = `SELECT ` + networkEventColumns + ` FROM network_events
		WHERE account_id = $1 AND parent = $2 AND parent <> '' LIMIT $3`
)

// The ends of the queries that look for a reference.
const (
	beginsWith = `reference >= $3 AND reference < $4 ORDER BY reference LIMIT $2`
	equals     = `reference = $3 LIMIT $2`
)

// after is behind all texts that begin with a prefix, in the order of both databases.
const after = "\U0010FFFF"

// byReference looks for objects with a reference, and for calls with an idempotency
// key.
func (f *finder) byReference() error {
	var reads []engine.Statement
	var keys []transactionKey
	var calls []callKey
	look := func(c party.CallerID, ref holdfast.CallerReference, where string, args ...any) {
		args = append([]any{c, f.limit + 1, ref}, args...)
		matches := func(of holdfast.CallerReference) bool {
			return of == ref || len(args) > 3 && strings.HasPrefix(string(of), string(ref))
		}
		var rows [3]int
		count := func(i int) { rows[i]++; f.full(rows[i]) }
		reads = append(
			reads,
			reading(scanRequest, func(r payment.Request) {
				if count(0); matches(r.Reference) {
					keys = append(keys, transactionKey{r.Caller, r.Transaction})
					f.takeRefused(r)
				}
			}, requestsSpelled+where, args...),
			reading(scanToken, func(t payment.Token) {
				if count(1); matches(t.Reference) {
					keys = append(keys, transactionKey{t.Caller, t.UsedBy})
					f.takeToken(t)
				}
			}, tokensSpelled+where, args...),
			reading(scanVisit, func(v payment.Visit) {
				if count(2); matches(v.Reference) {
					f.takeVisit(v)
				}
			}, visitsSpelled+where, args...),
		)
	}
	for _, c := range f.searched {
		for _, ref := range f.q.References {
			look(c, ref, beginsWith, string(ref)+after)
			calls = append(calls, callKey{c, string(ref)})
		}
		for _, ref := range f.q.Guesses {
			look(c, ref, equals)
		}
	}
	if err := f.run(reads); err != nil {
		return err
	}
	called, err := f.called(calls)
	if err != nil {
		return err
	}
	return f.fetch(append(keys, called...))
}

func (f *finder) takeRefused(r payment.Request) {
	name := string(r.Caller) + " " + string(r.Reference)
	if r.Refusal != nil && !f.names[name] {
		f.names[name] = true
		f.found.Refused = append(f.found.Refused, r)
	}
}

// called are the objects of calls.
func (f *finder) called(keys []callKey) (objects []transactionKey, err error) {
	all, err := calls.GetAll(f.sql, keys)
	for _, c := range all {
		for _, id := range c.Objects {
			objects = append(objects, transactionKey{c.Caller, holdfast.TransactionID(id)})
		}
	}
	return objects, err
}

// byEmail looks for the payments of buyers with an e-mail address. Guests have their
// addresses, too, and several can have the same.
func (f *finder) byEmail() error {
	if f.q.Email == "" {
		return nil
	}
	buyers, err := f.FindParties(f.q.Email, f.limit)
	if err != nil {
		return err
	}
	var reads []engine.Statement
	for _, p := range buyers {
		reads = append(reads, f.paidBy(p.ID, func(payment.Transaction) bool { return true }))
	}
	return f.run(reads)
}

// paidBy reads the newest payments of a buyer, and takes those that match. A search
// in one caller reads only the payments there.
func (f *finder) paidBy(sender party.ID, matches func(payment.Transaction) bool) engine.Statement {
	var only party.CallerID
	if len(f.callers) == 1 {
		only = f.callers[0]
	}
	rows := 0
	return reading(scanTransaction, func(t payment.Transaction) {
		if rows++; rows >= findOfParty {
			f.found.More = true
		}
		if matches(t) {
			f.take(t)
		}
	}, ofSender, sender, findOfParty, only, OpenPaymentsRead)
}

// byCard looks for payments of an amount with cards that have the last four digits.
func (f *finder) byCard() error {
	if f.q.Last4 == "" {
		return nil
	}
	cards, err := list(f.ReadTx, "looking for cards", scanInstrument, cardsWithLast4, f.q.Last4, findCards)
	if err != nil {
		return err
	}
	f.found.More = f.found.More || len(cards) == findCards
	var reads []engine.Statement
	for _, card := range cards {
		reads = append(reads, f.paidBy(card.Owner, func(t payment.Transaction) bool {
			return t.Instrument == card.ID && f.amountOf(t)
		}))
	}
	return f.run(reads)
}

// amountOf reports whether an amount of a transaction is the one that is searched
// for.
func (f *finder) amountOf(t payment.Transaction) bool {
	return slices.Contains([]money.Amount{t.Amount, t.Current(), t.Refunded, t.Open(), t.Charged()}, f.q.Amount)
}

// atNetwork looks for the names that card networks have given: of payments, charges,
// refunds, disputes and events.
func (f *finder) atNetwork() error {
	if f.q.Network == "" {
		return nil
	}
	accounts, err := list(f.ReadTx, "reading accounts", scanID, `SELECT account_id FROM network_accounts`)
	if err != nil {
		return err
	}
	names := []string{f.q.Network}
	var reads []engine.Statement
	for _, a := range accounts {
		reads = append(reads, reading(scanNetworkEvent, func(e NetworkEvent) { names = append(names, e.Object, e.Parent) },
			networkEventNamed, a, f.q.Network))
	}
	if err := f.run(reads); err != nil {
		return err
	}
	var keys []transactionKey
	var held []payment.PageHold
	reads = nil
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
	for _, a := range accounts {
		for _, name := range names {
			paid := func(p payment.NetworkPayment) { keys = append(keys, transactionKey{p.Caller, p.Transaction}) }
			reads = append(
				reads,
				reading(scanNetworkPayment, paid, paymentsNamed, a, name, f.limit),
				reading(scanNetworkPayment, paid, chargesNamed, a, name, f.limit),
				reading(scanDispute, func(d payment.Dispute) { keys = append(keys, transactionKey{d.Caller, d.Transaction}) },
					disputesNamed, a, name),
				reading(scanPageHold, func(h payment.PageHold) { held = append(held, h) }, holdsNamed, a, name, f.limit),
			)
		}
	}
	if err := f.run(reads); err != nil {
		return err
	}
	for _, h := range held {
		if err := f.takePageHold(h); err != nil {
			return err
		}
	}
	return f.fetch(keys)
}

// byText looks for the words in the descriptions of the newest payments. It is the
// last means: no index finds them.
func (f *finder) byText() error {
	found := &f.found
	if len(f.known)+len(found.Tokens)+len(found.Visits)+len(found.PageHolds)+len(found.Refused) > 0 || found.More {
		return nil
	}
	const callersMax = 10
	for _, c := range f.searched[:min(len(f.searched), callersMax)] {
		some, err := list(f.ReadTx, "searching descriptions", scanTransaction, textsOfNewest,
			c, findTexts, "%"+likeEscapes.Replace(lower(f.q.Text))+"%", f.limit+1)
		if err != nil {
			return err
		}
		f.full(len(some))
		for _, t := range some {
			f.take(t)
		}
	}
	found.More = found.More || len(f.callers) > callersMax
	return nil
}

var likeEscapes = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")
