package payment_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// settled is the file of a Reserve of 42.50 that was settled for 40.00.
func settled(t *testing.T) payment.File {
	t.Helper()
	reserve, err := payment.Reserve(good().Input, good().Request)
	if err != nil {
		t.Fatal(err)
	}
	approve := reserve.After.Outcome(*reserve.Ask, payment.Answer{Verdict: payment.Approved}, now)
	settle, err := approve.After.Settle(settling(money.Cents(40_00), now))
	if err != nil {
		t.Fatal(err)
	}
	capture := settle.After.Outcome(*settle.Ask, payment.Answer{Verdict: payment.Approved}, now)
	token := good().Token
	token.UsedBy = "1T1"
	f := payment.File{Transaction: capture.After, Token: token, Remembered: true, Parties: 2}
	for i, c := range []payment.Change{reserve, approve, settle, capture} {
		f.History = append(f.History, c.History(i+1))
		for j, p := range c.Postings {
			f.Postings = append(f.Postings, payment.Booked{Step: i + 1, Seq: j + 1, Posting: p})
		}
	}
	f.Transaction.Steps = len(f.History) // as the store counts
	return f
}

func TestAnAuditNamesTheRowThatIsWrong(t *testing.T) {
	for name, row := range map[string]struct {
		tamper func(*payment.File)
		want   string // table and row, with the problem's beginning; empty if all is well
	}{
		"nothing":             {func(*payment.File) {}, ""},
		"a posting's amount":  {func(f *payment.File) { f.Postings[1].Amount = money.Cents(41_00) }, "postings 1T1/4/1"},
		"a posting's account": {func(f *payment.File) { f.Postings[2].To = ledger.Held }, "postings 1T1/4/2"},
		"a posting gone":      {func(f *payment.File) { f.Postings = f.Postings[:3] }, "postings 1T1/4/3"},
		"a posting too many": {func(f *payment.File) {
			f.Postings = append(f.Postings, payment.Booked{Step: 4, Seq: 4, Posting: f.Postings[0].Posting})
		}, "postings 1T1/4/4"},
		"a posting of no step":      {func(f *payment.File) { f.Postings[3].Step = 7 }, "postings 1T1/7/3"},
		"a posting of another step": {func(f *payment.File) { f.Postings[0].Step = 1 }, "postings 1T1/1/1"},
		"a step's amount":           {func(f *payment.File) { f.History[0].Amount = money.Cents(1) }, "steps 1T1/1"},
		"the sender":                {func(f *payment.File) { f.Transaction.Sender = "P9" }, "transactions 1T1"},
		"the deadline": {
			func(f *payment.File) { f.Transaction.Deadline = f.Transaction.Deadline.Add(1) },
			"transactions 1T1",
		},
		"the token's amount": {func(f *payment.File) { f.Token.Amount = money.Cents(1) }, "tokens 1T1"},
		"no request":         {func(f *payment.File) { f.Remembered = false }, "requests 1T1"},
		"a party gone":       {func(f *payment.File) { f.Parties = 1 }, "parties 1T1"},
		"the state":          {func(f *payment.File) { f.Transaction.State = payment.Reserved }, "transactions 1T1"},
		"the settled amount": {func(f *payment.File) { f.Transaction.Settled = money.Cents(39_00) }, "transactions 1T1"},
		"the fee":            {func(f *payment.File) { f.Transaction.Fee = money.Cents(1) }, "postings 1T1/4/2"},
		"a count":            {func(f *payment.File) { f.Transaction.Steps++ }, "transactions 1T1"},
		"a step's end":       {func(f *payment.File) { f.History[1].After = payment.Failure }, "steps 1T1/2"},
		"a step gone": {
			func(f *payment.File) { f.History = append(f.History[:1:1], f.History[2:]...) },
			"steps 1T1/3",
		},
		"the token's use": {func(f *payment.File) { f.Token.UsedBy = "" }, "tokens 1T1"},
		"another answer": {
			func(f *payment.File) { f.Transaction.Answers = "Authorize:Approved Capture:Declined" },
			"transactions 1T1 question Capture is not Approved",
		},
		"an answer gone": {
			func(f *payment.File) { f.Transaction.Answers = "Capture:Approved" },
			"transactions 1T1 question Authorize is not Approved",
		},
		"an answer twice": {
			func(f *payment.File) { f.Transaction.Answers += " Capture:Approved" },
			"transactions 1T1 question Capture was asked twice",
		},
		"an answer to no question": {
			func(f *payment.File) { f.Transaction.Answers += " Gift:Approved" },
			"transactions 1T1 question Gift does not exist",
		},
		"an answer that is none": {
			func(f *payment.File) { f.Transaction.Answers += " Release:Maybe" },
			"transactions 1T1 question Release does not exist, or cannot be Maybe",
		},
		"an open question": {
			func(f *payment.File) { f.Transaction.Asking = payment.StepRelease },
			"transactions 1T1 question Release is open",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := settled(t)
			row.tamper(&f)
			var got []string
			for _, finding := range f.Audit() {
				got = append(got, finding.Table+" "+finding.Row+" "+finding.Problem)
			}
			if row.want == "" && len(got) > 0 || row.want != "" && !strings.Contains(strings.Join(got, "\n"), row.want) {
				t.Fatalf("found %q, want %q", got, row.want)
			}
		})
	}
}
