package report

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/spreadsheet"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Format is a format of exported books.
type Format string

// The formats.
const (
	HLedger   Format = "hledger"
	Beancount Format = "beancount"
	CSV       Format = "csv"
)

// Books exports the books of callers. Each step that moved money is one entry, whose
// amounts add up to zero. Assets are above zero, and liabilities and income below, as
// accounting programs want it; the ledger has the opposite signs.
//
// The accounts have the balances of the beginning of the period, in an entry of
// their own, and the files for hledger and Beancount check those of its end.
type Books struct {
	Callers []party.Caller
	Period  Period // From may be zero: then there are no balances to begin with
	Format  Format
}

// An entry is a step that moved money.
type entry struct {
	at          time.Time
	caller      party.CallerID
	transaction holdfast.TransactionID
	step        int
	what        string
	reference   string
	description string
	amounts     []accountAmount
}

// An accountAmount is an amount for an account of the export, in micro-dollars.
type accountAmount struct {
	account string
	micro   int64
}

// A bookWriter writes the books in a format.
type bookWriter interface {
	begin(q Books) error
	open(account, name string) error // before its first amount
	write(e entry) error
	// close writes what the accounts must have at the end of the period.
	close(last time.Time, balances []accountAmount) error
	end() error
}

// Write writes the books from one consistent state of the store.
func (q Books) Write(ctx context.Context, r store.Reader, to io.Writer) error {
	file := bufio.NewWriter(to)
	var writer bookWriter
	switch q.Format {
	case HLedger:
		writer = &hledgerWriter{file}
	case Beancount:
		writer = &beancountWriter{file, q.Period.From}
	case CSV:
		writer = &csvWriter{spreadsheet.NewWriter(file)}
	default:
		return fmt.Errorf("there is no format %q", q.Format)
	}
	err := r.ViewLong(ctx, func(tx *store.ReadTx) error {
		if q.Period.From.IsZero() {
			first, err := firstDay(tx, q)
			if err != nil {
				return err
			}
			q.Period.From = first
		}
		if err := writer.begin(q); err != nil {
			return err
		}
		for _, c := range q.Callers {
			if err := q.writeCaller(tx, c, writer); err != nil {
				return fmt.Errorf("exporting the books of caller %s: %w", c.ID, err)
			}
		}
		return writer.end()
	})
	if err != nil {
		return err
	}
	return file.Flush()
}

// firstDay is the day of the first transaction in the zone of the end.
func firstDay(tx *store.ReadTx, q Books) (first time.Time, err error) {
	first = ByDay.start(q.Period.Last())
	for _, c := range q.Callers {
		at, found, err := tx.FirstReceived(c.ID)
		if err != nil {
			return first, err
		}
		if found && at.Before(first) {
			first = ByDay.start(at.In(q.Period.To.Location()))
		}
	}
	return first, nil
}

// callerBooks are the books of one caller while they are written.
type callerBooks struct {
	Books
	tx       *store.ReadTx
	caller   party.Caller
	writer   bookWriter
	balances map[ledger.AccountID]int64
	opened   map[ledger.AccountID]bool
}

func (q Books) writeCaller(tx *store.ReadTx, c party.Caller, writer bookWriter) error {
	b := &callerBooks{
		Books: q, tx: tx, caller: c, writer: writer,
		opened: make(map[ledger.AccountID]bool),
	}
	var err error
	if b.balances, err = tx.BalancesAt(c.ID, q.Period.From); err != nil {
		return err
	}
	if err := b.beginPeriod(); err != nil {
		return err
	}
	if err := tx.Movements(c.ID, q.Period.From, q.Period.To, b.take); err != nil {
		return err
	}
	return writer.close(q.Period.Last(), b.amounts(b.balances))
}

func (b *callerBooks) take(m *payment.Movement) error {
	accounts, by := ledger.AllChanges(m.Postings)
	if err := b.write(m, accounts, by); err != nil {
		return err
	}
	for i, a := range accounts {
		b.balances[a] += by[i]
	}
	return nil
}

// beginPeriod writes the balances at the beginning of the period.
func (b *callerBooks) beginPeriod() error {
	e := entry{at: b.Period.From, caller: b.caller.ID, what: "Opening balances", amounts: b.amounts(b.balances)}
	for _, a := range slices.Sorted(maps.Keys(b.balances)) {
		if err := b.open(a); err != nil {
			return err
		}
	}
	if len(e.amounts) == 0 {
		return nil
	}
	return b.writer.write(e)
}

func (b *callerBooks) write(m *payment.Movement, accounts []ledger.AccountID, by []int64) error {
	e := entry{
		at: m.At.In(b.Period.Zone()), caller: m.Caller, transaction: m.Transaction, step: m.Step, what: event(m),
		reference: string(m.Reference), description: m.Description,
	}
	for i, a := range accounts {
		if by[i] == 0 {
			continue
		}
		if err := b.open(a); err != nil {
			return err
		}
		e.amounts = append(e.amounts, accountAmount{b.nameOf(a), -by[i]})
	}
	if len(e.amounts) == 0 {
		return nil
	}
	return b.writer.write(e)
}

// amounts are balances with the names and signs of the export, in order. Accounts
// that were written before are listed even if their balance is zero.
func (b *callerBooks) amounts(balances map[ledger.AccountID]int64) (all []accountAmount) {
	for _, a := range slices.Sorted(maps.Keys(balances)) {
		if micro := balances[a]; micro != 0 || b.opened[a] {
			all = append(all, accountAmount{b.nameOf(a), -micro})
		}
	}
	return all
}

// open names an account before its first use, with the name of its party.
func (b *callerBooks) open(a ledger.AccountID) error {
	if b.opened[a] {
		return nil
	}
	b.opened[a] = true
	kind, of := a.Name()
	name := b.caller.Name
	switch kind + ":" {
	case "party:", "set-aside:", "owed:", "due:":
		p, found, err := b.tx.Party(party.ID(of))
		if err != nil {
			return err
		}
		if found {
			name = p.Name
		}
	}
	return b.writer.open(b.nameOf(a), name)
}

// The first parts of the names of accounts, by their kind in the ledger.
var exported = map[string]string{
	"network": "Assets:Network", "held": "Liabilities:Held", "outgoing": "Liabilities:Outgoing",
	"disputed": "Liabilities:Disputed", "fees": "Income:Fees", "party": "Liabilities:Parties",
	"set-aside": "Liabilities:Set-Aside", "prepaid": "Liabilities:Prepaid", "owed": "Assets:Owed", "debt": "Assets:Debt",
	"due": "Liabilities:Due",
}

func (b *callerBooks) nameOf(a ledger.AccountID) string { return AccountName(b.caller.ID, a) }

// AccountName is the name of an account of a caller's books in the export. It is made
// of ids, which never change, so that the exports of two months fit together.
func AccountName(c party.CallerID, a ledger.AccountID) string {
	kind, of := a.Name()
	name := exported[kind] + ":" + component(string(c))
	if of != "" {
		name += ":" + component(of)
	}
	return name
}

// component is an id as a part of the name of an account: Beancount wants a capital
// letter or a digit, and then letters, digits and hyphens.
func component(id string) string {
	id = strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '-'
	}, id)
	return strings.ToUpper(id[:min(1, len(id))]) + id[min(1, len(id)):]
}

// event is a movement in words.
func event(m *payment.Movement) string {
	switch m.Kind { //nolint:exhaustive // the others are told by their step
	case payment.KindRefund, payment.KindOutsideRefund, payment.KindRefundReversal:
		if m.Verb == payment.VerbReturn {
			return "Refund confirmed"
		}
		return refundEvent(m)
	case payment.KindDispute:
		return "Dispute"
	case payment.KindDisputeReturn:
		return "Dispute won"
	case payment.KindCommission:
		return "Marketplace fee"
	}
	switch m.Verb {
	case payment.VerbApprove:
		return "Hold"
	case payment.VerbLower, payment.VerbClose, payment.VerbCancel, payment.VerbExpire, payment.VerbCaptureDecline:
		return "Release"
	case payment.VerbSettle, payment.VerbPay:
		return "Set aside"
	case payment.VerbDecline:
		return "Declined"
	case payment.VerbTimeOut:
		return "Timed out"
	case payment.VerbLateCharge:
		return "Late charge"
	case payment.VerbLateReturn:
		return "Late charge returned"
	case payment.VerbReserve, payment.VerbTransfer, payment.VerbRefund, payment.VerbCharge, payment.VerbReturn,
		payment.VerbCapture:
	}
	return operation(m)
}
