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
	approve := reserve.After.Outcome(*reserve.Ask, payment.Answer{Approved: true}, now)
	settle, err := approve.After.Settle(settling(money.Cents(40_00), now))
	if err != nil {
		t.Fatal(err)
	}
	capture := settle.After.Outcome(*settle.Ask, payment.Answer{Approved: true}, now)
	token := good().Token
	token.UsedBy = "1T1"
	f := payment.File{Transaction: capture.After, Token: token, Remembered: true, Parties: 2}
	for i, c := range []payment.Change{reserve, approve, settle, capture} {
		f.History = append(f.History, c.History(i+1))
		for _, p := range c.Postings {
			f.Postings = append(f.Postings, payment.Booked{Seq: len(f.Postings) + 1, Posting: p})
		}
		if c.Ask != nil {
			a := *c.Ask
			a.State = payment.AttemptApproved
			f.Attempts = append(f.Attempts, a)
		}
	}
	f.Transaction.Steps, f.Transaction.Posted = len(f.History), len(f.Postings) // as the store counts
	return f
}

func TestAnAuditNamesTheRowThatIsWrong(t *testing.T) {
	for name, row := range map[string]struct {
		tamper func(*payment.File)
		want   string // table and row, empty if all is well
	}{
		"nothing":             {func(*payment.File) {}, ""},
		"a posting's amount":  {func(f *payment.File) { f.Postings[1].Amount = money.Cents(41_00) }, "postings 1T1/2"},
		"a posting's account": {func(f *payment.File) { f.Postings[2].To = ledger.Held }, "postings 1T1/3"},
		"a posting gone":      {func(f *payment.File) { f.Postings = f.Postings[:3] }, "postings 1T1/4"},
		"a posting too many": {func(f *payment.File) {
			f.Postings = append(f.Postings, payment.Booked{Seq: 99, Posting: f.Postings[0].Posting})
		}, "postings 1T1/99"},
		"a posting's place": {func(f *payment.File) { f.Postings[3].Seq = 7 }, "postings 1T1/7"},
		"a step's amount":   {func(f *payment.File) { f.History[0].Amount = money.Cents(1) }, "transaction_history 1T1/1"},
		"an asked amount":   {func(f *payment.File) { f.Attempts[1].Amount = money.Cents(41_00) }, "attempts 1T1/Capture"},
		"the sender":        {func(f *payment.File) { f.Transaction.Sender = "P9" }, "transactions 1T1"},
		"the deadline": {
			func(f *payment.File) { f.Transaction.Deadline = f.Transaction.Deadline.Add(1) },
			"transactions 1T1",
		},
		"the token's amount": {func(f *payment.File) { f.Token.Amount = money.Cents(1) }, "tokens 1T1"},
		"no request":         {func(f *payment.File) { f.Remembered = false }, "requests 1T1"},
		"a party gone":       {func(f *payment.File) { f.Parties = 1 }, "parties 1T1"},
		"the state":          {func(f *payment.File) { f.Transaction.State = payment.Reserved }, "transactions 1T1"},
		"the settled amount": {func(f *payment.File) { f.Transaction.Settled = money.Cents(39_00) }, "transactions 1T1"},
		"the fee":            {func(f *payment.File) { f.Transaction.Fee = money.Cents(1) }, "postings 1T1/3"},
		"a count":            {func(f *payment.File) { f.Transaction.Posted++ }, "transactions 1T1"},
		"a step's end":       {func(f *payment.File) { f.History[1].After = payment.Failure }, "transaction_history 1T1/2"},
		"a step gone": {
			func(f *payment.File) { f.History = append(f.History[:1:1], f.History[2:]...) },
			"transaction_history 1T1/3",
		},
		"the token's use": {func(f *payment.File) { f.Token.UsedBy = "" }, "tokens 1T1"},
		"an answer":       {func(f *payment.File) { f.Attempts[1].State = payment.AttemptOpen }, "attempts 1T1/Capture"},
		"a question gone": {func(f *payment.File) { f.Attempts = f.Attempts[1:] }, "attempts 1T1/Authorize"},
	} {
		t.Run(name, func(t *testing.T) {
			f := settled(t)
			row.tamper(&f)
			var got []string
			for _, finding := range f.Audit() {
				got = append(got, finding.Table+" "+finding.Row)
			}
			if row.want == "" && len(got) > 0 || row.want != "" && !strings.Contains(strings.Join(got, "\n"), row.want) {
				t.Fatalf("found %q, want %q", got, row.want)
			}
		})
	}
}
