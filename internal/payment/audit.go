package payment

import (
	"fmt"
	"slices"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/money"
)

// A Finding is a row that is not what it should be.
type Finding struct {
	Table   string // such as "postings"
	Row     string // the row's key, such as "1HZ5…/2"
	Problem string
}

// A File is a transaction with all that is kept of it.
type File struct {
	Transaction Transaction
	History     []HistoryRow
	Postings    []Booked
	Attempts    []Attempt
	Token       Token // it was made with; zero if it is not there
	Remembered  bool  // something is, under its CallerReference
	Parties     int   // of sender and recipient, how many there are
}

// A Booked posting is one as it stands in the books.
type Booked struct {
	Seq int // from 1
	ledger.Posting
}

// Audit holds a transaction's rows against each other: the history must be a
// path through the table of moves that ends in the transaction's state, the
// postings those that the path demands, and every answer one that was asked
// for. What it finds is a fault of ours or somebody else's hand in the books.
func (f File) Audit() []Finding {
	found := f.auditHistory()
	found = append(found, f.auditOrigin()...)
	found = append(found, f.auditPostings()...)
	return append(found, f.auditAttempts()...)
}

func (f File) finding(table string, seq any, format string, args ...any) Finding {
	row := string(f.Transaction.ID)
	if seq != nil {
		row = fmt.Sprintf("%s/%v", row, seq)
	}
	return Finding{Table: table, Row: row, Problem: fmt.Sprintf(format, args...)}
}

func (f File) auditHistory() (found []Finding) {
	t, state := f.Transaction, None
	for i, h := range f.History {
		switch next, ok := state.After(h.Verb); {
		case h.Seq != i+1:
			found = append(found, f.finding("transaction_history", h.Seq, "stands where step %d should be", i+1))
		case h.Before != state:
			found = append(found, f.finding("transaction_history", h.Seq, "begins at %s but the step before ended at %s", h.Before, state))
		case !ok || next != h.After:
			found = append(found, f.finding("transaction_history", h.Seq, "%s does not lead from %s to %s", h.Verb, h.Before, h.After))
		case h.Amount != f.amountAt(h):
			found = append(found, f.finding("transaction_history", h.Seq, "is about %v but should be about %v", h.Amount, f.amountAt(h)))
		}
		state = h.After
	}
	if state != t.State {
		found = append(found, f.finding("transactions", nil, "is %s but its history ends at %s", t.State, state))
	}
	if n := len(f.History); n > 0 {
		if last := f.History[n-1]; last.StatusCode != t.StatusCode || last.Amount != t.Current() {
			found = append(found, f.finding("transactions", nil, "says %s of %v but its history ends with %s of %v", t.StatusCode, t.Current(), last.StatusCode, last.Amount))
		}
	}
	return found
}

// amountAt is what a step is about: what is settled from Settle on, what is
// reserved before.
func (f File) amountAt(h HistoryRow) money.Amount {
	if h.Verb == VerbSettle || h.Before == Settling {
		return f.Transaction.Settled
	}
	return f.Transaction.Amount
}

// auditOrigin holds a transaction against what it was made from.
func (f File) auditOrigin() (found []Finding) {
	t := f.Transaction
	switch k := f.Token; {
	case k.UsedBy != t.ID:
		found = append(found, f.finding("tokens", nil, "token of this transaction is marked as used by %q", k.UsedBy))
	case k.Sender != t.Sender || k.Recipient != t.Recipient || k.Instrument != t.Instrument:
		found = append(found, f.finding("transactions", nil, "is not between the parties or from the instrument that its token names"))
	case t.Amount.Cmp(k.Amount) > 0:
		found = append(found, f.finding("tokens", nil, "allows %v, less than the %v reserved with it", k.Amount, t.Amount))
	}
	if life := t.Deadline.Sub(t.Received); life > ReserveLifeMax {
		found = append(found, f.finding("transactions", nil, "lives for %v, longer than any reserve", life))
	}
	if f.Parties != 2 {
		found = append(found, f.finding("parties", nil, "sender or recipient of this transaction is missing"))
	}
	if !f.Remembered { // a later request by now, perhaps, but never nothing
		found = append(found, f.finding("requests", nil, "nothing is remembered of this transaction's CallerReference"))
	}
	return found
}

// demanded are the postings that the history calls for.
func (f File) demanded() (postings []ledger.Posting) {
	t := f.Transaction
	for _, h := range f.History {
		switch {
		case h.Verb == VerbApprove:
			postings = append(postings, ledger.Posting{From: ledger.Network, To: ledger.Held, Amount: t.Amount})
		case h.Verb == VerbCapture:
			postings = append(postings, t.capturePostings()...)
		case h.Verb == VerbCaptureDecline, h.After == Cancelled && h.Before == Reserved:
			postings = append(postings, ledger.Posting{From: ledger.Held, To: ledger.Network, Amount: t.Amount})
		}
	}
	return postings
}

func (f File) auditPostings() (found []Finding) {
	want := f.demanded()
	for i := range max(len(want), len(f.Postings)) {
		switch {
		case i >= len(f.Postings):
			found = append(found, f.finding("postings", f.after(i), "is missing: %v from %s to %s", want[i].Amount, want[i].From, want[i].To))
		case i >= len(want):
			p := f.Postings[i]
			found = append(found, f.finding("postings", p.Seq, "nothing calls for it: %v from %s to %s", p.Amount, p.From, p.To))
		case f.Postings[i].Posting != want[i]:
			p := f.Postings[i]
			found = append(found, f.finding("postings", p.Seq, "is %v from %s to %s but should be %v from %s to %s",
				p.Amount, p.From, p.To, want[i].Amount, want[i].From, want[i].To))
		case f.Postings[i].Seq != i+1:
			found = append(found, f.finding("postings", f.Postings[i].Seq, "stands where %d should be", i+1))
		}
	}
	return found
}

// answered says which answer each step of a history rests on.
var answered = map[Verb]Attempt{
	VerbApprove:        {Step: StepAuthorize, State: AttemptApproved},
	VerbDecline:        {Step: StepAuthorize, State: AttemptDeclined},
	VerbCapture:        {Step: StepCapture, State: AttemptApproved},
	VerbCaptureDecline: {Step: StepCapture, State: AttemptDeclined},
}

// after is where the posting at index i belongs.
func (f File) after(i int) int {
	if len(f.Postings) == 0 {
		return i + 1
	}
	last := len(f.Postings) - 1
	return f.Postings[last].Seq + i - last
}

func (f File) auditAttempts() (found []Finding) {
	for _, a := range f.Attempts {
		want := f.Transaction.Amount
		if a.Step == StepCapture {
			want = f.Transaction.Settled
		}
		if a.Amount != want || a.Instrument != f.Transaction.Instrument {
			found = append(found, f.finding("attempts", a.Step, "asks for %v from %s but should ask for %v from %s",
				a.Amount, a.Instrument, want, f.Transaction.Instrument))
		}
	}
	has := func(step Step, states ...AttemptState) bool {
		return slices.ContainsFunc(f.Attempts, func(a Attempt) bool { return a.Step == step && slices.Contains(states, a.State) })
	}
	for _, h := range f.History {
		if want, ok := answered[h.Verb]; ok && !has(want.Step, want.State) {
			found = append(found, f.finding("attempts", want.Step, "is not %s, though step %d of the history rests on it", want.State, h.Seq))
		}
	}
	givenUp := f.Transaction.State == Cancelled || f.Transaction.State == Failure
	if givenUp && has(StepAuthorize, AttemptApproved) && !has(StepRelease, AttemptOpen, AttemptApproved, AttemptDeclined) {
		found = append(found, f.finding("attempts", StepRelease, "is missing: the network was never asked to release the hold"))
	}
	switch f.Transaction.State {
	case Pending:
		if !has(StepAuthorize, AttemptOpen) {
			found = append(found, f.finding("attempts", StepAuthorize, "is not open, though the transaction waits for it"))
		}
	case Settling:
		if !has(StepCapture, AttemptOpen) {
			found = append(found, f.finding("attempts", StepCapture, "is not open, though the transaction waits for it"))
		}
	case None, Reserved, Success, Failure, Cancelled:
	}
	return found
}
