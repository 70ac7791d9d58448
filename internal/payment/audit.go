package payment

import (
	"fmt"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
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
	Postings    []ledger.Posting
	Attempts    []Attempt
	TokenUsedBy holdfast.TransactionID // of the token it was made with
}

// Audit holds a transaction's rows against each other: the history must be a
// path through the table of moves that ends in the transaction's state, the
// postings those that the path demands, and every answer one that was asked
// for. What it finds is a fault of ours or somebody else's hand in the books.
func (f File) Audit() []Finding {
	found := f.auditHistory()
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
	if f.TokenUsedBy != t.ID {
		found = append(found, f.finding("tokens", nil, "token of this transaction is marked as used by %q", f.TokenUsedBy))
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
			found = append(found, f.finding("postings", i+1, "is missing: %v from %s to %s", want[i].Amount, want[i].From, want[i].To))
		case i >= len(want):
			p := f.Postings[i]
			found = append(found, f.finding("postings", i+1, "nothing calls for it: %v from %s to %s", p.Amount, p.From, p.To))
		case f.Postings[i] != want[i]:
			p := f.Postings[i]
			found = append(found, f.finding("postings", i+1, "is %v from %s to %s but should be %v from %s to %s",
				p.Amount, p.From, p.To, want[i].Amount, want[i].From, want[i].To))
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

func (f File) auditAttempts() (found []Finding) {
	has := func(step Step, states ...AttemptState) bool {
		return slices.ContainsFunc(f.Attempts, func(a Attempt) bool { return a.Step == step && slices.Contains(states, a.State) })
	}
	for _, h := range f.History {
		if want, ok := answered[h.Verb]; ok && !has(want.Step, want.State) {
			found = append(found, f.finding("attempts", want.Step, "is not %s, though step %d of the history rests on it", want.State, h.Seq))
		}
		if h.Before == Reserved && h.After == Cancelled && !has(StepRelease, AttemptOpen, AttemptApproved, AttemptDeclined) {
			found = append(found, f.finding("attempts", StepRelease, "is missing: the network was never asked to release the hold"))
		}
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
