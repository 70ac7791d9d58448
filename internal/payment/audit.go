package payment

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Finding is a row that is wrong.
type Finding struct {
	Caller  party.CallerID // in whose books it is; empty if nobody can tell
	Table   string         // such as "postings"
	Row     string         // the row's key, such as "1HZ5…/2/1": of step 2 the first posting
	Problem string
	// Fault says what is wrong without the amounts in Problem that change with every
	// payment. It is empty if there are none.
	Fault string
}

// Same identifies the fault of a row in every audit that finds it.
func (f Finding) Same() string { return cmp.Or(f.Fault, f.Problem) }

// A File is a transaction with all its records.
type File struct {
	Transaction Transaction
	History     []HistoryRow
	Postings    []Booked
	Unreadable  []int // the steps whose postings cannot be read
	Token       Token // that authorised it; zero if it is missing
	Remembered  bool  // a request is stored under its CallerReference
	Parties     int   // how many of sender and recipient exist
	// Children are the transactions that belong to it, those that belong to its
	// marketplace fee, and those that belong to its refunds.
	Children []Transaction
}

// A Booked posting is a posting read from the books.
type Booked struct {
	Step int // of the history
	Seq  int // in the step, from 1
	ledger.Posting
}

// Balance is what the transaction's postings leave in an account.
func (f File) Balance(a ledger.AccountID) money.Amount {
	sum := money.Micros(0)
	for _, p := range f.Postings {
		sum = sum.Add(ledger.Balance([]ledger.Posting{p.Posting}, a))
	}
	return sum
}

// Audit compares a transaction's rows with each other. The history must be a
// path through the table of moves that ends in the transaction's state. The
// postings must be those that the path requires, and so must the answers and the
// open question. A finding means a bug of this server or a change from outside.
func (f File) Audit() []Finding {
	found := f.auditHistory()
	found = append(found, f.auditOrigin()...)
	found = append(found, f.auditPostings()...)
	found = append(found, f.auditAttempts()...)
	return append(found, f.auditTotals()...)
}

func (f File) finding(table string, seq any, format string, args ...any) Finding {
	row := string(f.Transaction.ID)
	if seq != nil {
		row = fmt.Sprintf("%s/%v", row, seq)
	}
	return Finding{Caller: f.Transaction.Caller, Table: table, Row: row, Problem: fmt.Sprintf(format, args...)}
}

func (f File) auditHistory() (found []Finding) {
	t, state := f.Transaction, None
	for i, h := range f.History {
		switch next, ok := state.After(h.Verb); {
		case h.Seq != i+1:
			found = append(found, f.finding("steps", h.Seq, "is in the place of step %d", i+1))
		case h.Before != state:
			found = append(found, f.finding("steps", h.Seq, "begins at %s but the step before ended at %s",
				h.Before, state))
		case h.Late != t.late(h.At):
			found = append(found, f.finding("steps", h.Seq, "reports look for it in the wrong place: late is %t", h.Late))
		case !f.Transaction.Kind.May(h.Verb):
			found = append(found, f.finding("steps", h.Seq, "a %[2]s has no step %[1]s", h.Verb,
				f.Transaction.Kind))
		case !ok || next != h.After:
			found = append(found, f.finding("steps", h.Seq, "%s does not lead from %s to %s", h.Verb, h.Before,
				h.After))
		case h.Amount != f.amountAt(h):
			found = append(found, f.finding("steps", h.Seq, "is about %v but should be about %v", h.Amount,
				f.amountAt(h)))
		}
		state = h.After
	}
	if state != t.State {
		found = append(found, f.finding("transactions", nil, "is %s but its history ends at %s", t.State, state))
	}
	if t.Steps != len(f.History) {
		found = append(found, f.finding("transactions", nil, "counts %d steps but has %d", t.Steps, len(f.History)))
	}
	if n := len(f.History); n > 0 {
		if last := f.History[n-1]; last.StatusCode != t.StatusCode || last.Verb != VerbLower && last.Amount != t.Current() {
			found = append(found, f.finding("transactions", nil, "says %s of %v but its history ends with %s of %v",
				t.StatusCode, t.Current(), last.StatusCode, last.Amount))
		}
	}
	return found
}

// amountAt is the amount that a step is about: of a hold, the settled amount from
// Settle or Close on; otherwise the transaction's own amount. A step that releases
// a part of a hold has an amount of its own: see auditParts.
func (f File) amountAt(h HistoryRow) money.Amount {
	switch {
	case h.Verb == VerbLower:
		return h.Amount
	case f.Transaction.Hold() && (h.Verb == VerbSettle || h.Verb == VerbClose || h.Before == Settling):
		return f.Transaction.Settled
	}
	return f.Transaction.Amount
}

// auditOrigin compares a transaction with its token, its parties and its
// request.
func (f File) auditOrigin() (found []Finding) {
	t := f.Transaction
	if t.Token != "" && t.Kind != KindRefund {
		found = f.auditToken()
	}
	if life := t.Deadline.Sub(t.Received); !t.Deadline.IsZero() && life > ReserveLifeMax {
		found = append(found, f.finding("transactions", nil, "stays open for %v, longer than any transaction may", life))
	}
	parties := 2
	if t.Sender == t.Recipient {
		parties = 1
	}
	if f.Parties != parties {
		found = append(found, f.finding("parties", nil, "sender or recipient of this transaction is missing"))
	}
	if !f.Remembered && t.Kind != KindDeposit { // it may be a later request, but there is always one
		found = append(found, f.finding("requests", nil, "no request is stored for this transaction's CallerReference"))
	}
	return found
}

func (f File) auditToken() []Finding {
	t, k := f.Transaction, f.Token
	switch {
	case k.ID == "":
		return []Finding{f.finding("tokens", nil, "token of this transaction is missing")}
	case t.Kind != KindPart && k.Type == holdfast.TokenSingleUse && k.UsedBy != t.root(): // a hold has used it
		return []Finding{f.finding("tokens", nil, "token of this transaction is marked as used by %q", k.UsedBy)}
	case k.Sender != t.Sender || k.Instrument != t.Instrument || t.RecipientToken == "" && k.Recipient != "" &&
		k.Recipient != t.Recipient:
		return []Finding{
			f.finding("transactions", nil, "is not between the parties or from the instrument that its token names"),
		}
	case t.Kind != KindPart && k.bounded(t.Amount) != nil:
		return []Finding{
			f.finding("tokens", nil, "does not allow a payment of %[2]v: its amount is %[1]v", k.Amount, t.Amount),
		}
	}
	return nil
}

// UnderWay is what the transaction's own postings leave in the accounts Held and
// Outgoing. A part takes from Held what its hold has put there.
func (f File) UnderWay() (held, outgoing money.Amount) {
	held, outgoing = money.Micros(0), money.Micros(0)
	t := f.Transaction
	switch {
	case t.Kind == KindPart && t.State == Success:
		held = less(held, t.Amount)
	case t.Kind == KindPart:
	case t.State == Reserved || t.State == Settling:
		held = less(t.Amount, t.Lowered)
	case t.Parted():
		held = t.Taken
	case t.Kind == KindRefund && t.State == Pending,
		t.Kind != KindRefund && f.has(StepReturn, AttemptOpen, AttemptDeclined):
		outgoing = t.Amount
	}
	return held, outgoing
}

func (f File) has(step Step, states ...AttemptState) bool {
	return slices.ContainsFunc(f.Transaction.Attempts(),
		func(a Attempt) bool { return a.Step == step && slices.Contains(states, a.State) })
}

func (f File) auditPostings() (found []Finding) {
	for _, step := range f.Unreadable {
		found = append(found, f.finding("steps", step, "has postings that cannot be read"))
	}
	booked := make(map[int][]Booked)
	for _, p := range f.Postings {
		booked[p.Step] = append(booked[p.Step], p)
	}
	for _, h := range f.History {
		found = append(found, f.auditStep(h, booked[h.Seq])...)
		delete(booked, h.Seq)
	}
	for _, left := range f.Postings {
		if _, strays := booked[left.Step]; strays {
			found = append(found, f.stray(left))
		}
	}
	return found
}

// auditStep compares the postings of a step with those that it requires.
func (f File) auditStep(h HistoryRow, got []Booked) (found []Finding) {
	want := f.Transaction.stepPostings(h.Verb, h.Before)
	if h.Verb == VerbLower {
		want = lowerPostings(h.Amount)
	}
	for i := range max(len(want), len(got)) {
		place := fmt.Sprintf("%d/%d", h.Seq, i+1)
		switch {
		case i >= len(got):
			found = append(found, f.finding("postings", place, "is missing: %v from %s to %s", want[i].Amount, want[i].From,
				want[i].To))
		case i >= len(want):
			found = append(found, f.stray(got[i]))
		case got[i].Posting != want[i]:
			p := got[i]
			found = append(found, f.finding("postings", place, "is %v from %s to %s but should be %v from %s to %s",
				p.Amount, p.From, p.To, want[i].Amount, want[i].From, want[i].To))
		}
	}
	return found
}

func (f File) stray(p Booked) Finding {
	return f.finding("postings", fmt.Sprintf("%d/%d", p.Step, p.Seq), "is not part of any step: %v from %s to %s",
		p.Amount, p.From, p.To)
}

// asks is the first question to the network of a transaction of this kind.
func (k Kind) asks() Step {
	switch k {
	case KindReserve:
		return StepAuthorize
	case KindPart:
		return StepCapture
	case KindRefund:
		return StepReturn
	case KindPay, KindFundPrepaid, KindSettleDebt, KindWriteOffDebt, KindCommission, KindDeposit, KindDispute,
		KindDisputeReturn, KindRefundReversal, KindOutsideRefund:
	}
	return StepCharge
}

// restsOn is the answer that a step of a history requires, if it requires one.
func (k Kind) restsOn(v Verb) (step Step, state AttemptState, ok bool) {
	switch v {
	case VerbApprove, VerbCharge, VerbReturn:
		return k.asks(), AttemptApproved, true
	case VerbDecline:
		return k.asks(), AttemptDeclined, true
	case VerbCapture:
		return StepCapture, AttemptApproved, true
	case VerbCaptureDecline:
		return StepCapture, AttemptDeclined, true
	case VerbLateCharge:
		return StepCharge, AttemptApproved, true
	case VerbLateReturn:
		return StepReturn, AttemptApproved, true
	case VerbReserve, VerbPay, VerbTransfer, VerbRefund, VerbSettle, VerbLower, VerbClose, VerbCancel, VerbExpire,
		VerbTimeOut:
	}
	return "", "", false
}

// auditAttempts compares the questions to the network and their answers with the
// history.
func (f File) auditAttempts() (found []Finding) {
	t := f.Transaction
	wrong := func(step Step, format string, args ...any) {
		found = append(found, f.finding("transactions", nil, "question "+string(step)+" "+format, args...))
	}
	seen := make(map[Step]bool)
	for _, a := range t.Attempts() {
		switch {
		case seen[a.Step]:
			wrong(a.Step, "was asked twice")
		case !a.known():
			wrong(a.Step, "does not exist, or cannot be %s", a.State)
		}
		seen[a.Step] = true
	}
	for _, h := range f.History {
		if f.tooShort(h) {
			continue
		}
		if step, state, ok := t.Kind.restsOn(h.Verb); ok && !f.has(step, state) {
			wrong(step, "is not %s, though step %d of the history requires it", state, h.Seq)
		}
	}
	givenUp := t.State == Cancelled || t.State == Failure
	rest := t.Parted() && t.State == Success && less(t.Amount, t.Taken).Positive()
	for taken, back := range map[Step]Step{StepAuthorize: StepRelease, StepCharge: StepReturn} {
		if (givenUp || rest) && f.has(taken, AttemptApproved) && !f.has(back, AttemptOpen, AttemptApproved, AttemptDeclined) {
			wrong(back, "is missing: the network was never asked to release the hold or return the charge")
		}
	}
	if givenUp && t.Kind != KindRefund {
		for step, booked := range map[Step]Verb{StepCharge: VerbLateCharge, StepReturn: VerbLateReturn} {
			if f.has(step, AttemptApproved) && !f.took(booked) {
				wrong(step, "was approved after the end, but no step %s books it", booked)
			}
		}
	}
	switch t.State {
	case Pending:
		if !f.has(t.Kind.asks(), AttemptOpen) {
			wrong(t.Kind.asks(), "is not open, though the transaction waits for it")
		}
	case Settling:
		if !f.has(StepCapture, AttemptOpen) {
			wrong(StepCapture, "is not open, though the transaction waits for it")
		}
	case Reserved, Success:
		if t.Asking != "" && (!t.Parted() || t.State == Reserved || t.Asking != StepRelease) {
			wrong(t.Asking, "is open, though nothing waits for it")
		}
	case None, Failure, Cancelled:
	}
	return found
}

// tooShort reports whether a step declined a hold that the network had approved
// for too short a time. The release of the hold is checked like any other.
func (f File) tooShort(h HistoryRow) bool {
	return h.Verb == VerbDecline && f.Transaction.Kind == KindReserve && f.has(StepAuthorize, AttemptApproved)
}

func (f File) took(v Verb) bool {
	return slices.ContainsFunc(f.History, func(h HistoryRow) bool { return h.Verb == v })
}
