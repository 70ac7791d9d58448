package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

var today = time.Date(2026, time.November, 23, 10, 0, 0, 0, time.UTC)

// atOnce ends every pause at once and records its length.
type atOnce struct {
	mu     sync.Mutex
	pauses []time.Duration
}

func (a *atOnce) after(d time.Duration) <-chan time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pauses = append(a.pauses, d)
	over := make(chan time.Time, 1)
	over <- today
	return over
}

func newNetwork() (*sandbox.Network, *atOnce) {
	var pauses atOnce
	return &sandbox.Network{Now: func() time.Time { return today }, After: pauses.after}, &pauses
}

func visa(number, code string, month, year int) card.Details {
	return card.Details{
		Number: card.NewNumber(number), SecurityCode: card.NewNumber(code),
		ExpiryMonth: month, ExpiryYear: year, Holder: "Ann Buyer",
	}
}

func TestVerifyKeepsTestCards(t *testing.T) {
	n, _ := newNetwork()
	for number, want := range map[string]card.Kept{
		"4242424242424242": {Brand: "Visa", Last4: "4242", Ref: "sandbox:visa-approves"},
		"5555555555554444": {Brand: "Mastercard", Last4: "4444", Ref: "sandbox:mastercard-approves"},
		"6011111111111117": {Brand: "Discover", Last4: "1117", Ref: "sandbox:discover-approves"},
		"4000000000000341": {Brand: "Visa", Last4: "0341", Ref: "sandbox:visa-declined-later"},
	} {
		want.Fingerprint = want.Ref
		got, err := n.Verify(t.Context(), visa(number, "123", 11, 2026)) // valid to the end of this month
		if err != nil {
			t.Errorf("card ending in %s: %v", want.Last4, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("card ending in %s (-want +got):\n%s", want.Last4, diff)
		}
	}
	got, err := n.Verify(t.Context(), visa("378282246310005", "1234", 1, 2030))
	want := card.Kept{
		Brand: "American Express", Last4: "0005", Ref: "sandbox:amex-approves", Fingerprint: "sandbox:amex-approves",
	}
	if err != nil || got != want {
		t.Errorf("American Express: got %v and %v, want %v", got, err, want)
	}
}

func TestVerifyRefuses(t *testing.T) {
	n, _ := newNetwork()
	for _, row := range []struct {
		name    string
		details card.Details
		want    payment.CardProblem
	}{
		{"no number", visa("", "123", 1, 2030), payment.CardNumberMissing},
		{"letters", visa("4242 4242 4242 4242", "123", 1, 2030), payment.CardNumberForm},
		{"too short", visa("42424242424", "123", 1, 2030), payment.CardNumberForm},
		{"too long", visa("42424242424242424242", "123", 1, 2030), payment.CardNumberForm},
		{"other script's digits", visa("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "123", 1, 2030), payment.CardNumberForm},
		{"mistyped", visa("4242424242424241", "123", 1, 2030), payment.CardNumberMistyped},
		{"not a test card", visa("4929000000006", "123", 1, 2030), payment.CardNotForTests},
		{"no month", visa("4242424242424242", "123", 0, 2030), payment.CardExpiryForm},
		{"month 13", visa("4242424242424242", "123", 13, 2030), payment.CardExpiryForm},
		{"last month", visa("4242424242424242", "123", 10, 2026), payment.CardExpired},
		{"two-digit year", visa("4242424242424242", "123", 10, 30), payment.CardExpiryForm},
		{"far year", visa("4242424242424242", "123", 10, 2047), payment.CardExpiryForm},
		{"no code", visa("4242424242424242", "", 1, 2030), payment.CardCodeThree},
		{"long code", visa("4242424242424242", "1234", 1, 2030), payment.CardCodeThree},
		{"letters in the code", visa("4242424242424242", "12a", 1, 2030), payment.CardCodeThree},
		{"short code of an American Express", visa("378282246310005", "123", 1, 2030), payment.CardCodeFour},
		{"expired, according to the issuer", visa("4000000000000069", "123", 1, 2030), payment.CardExpiredByIssuer},
		{"wrong code, according to the issuer", visa("4000000000000127", "123", 1, 2030), payment.CardCodeWrong},
	} {
		t.Run(row.name, func(t *testing.T) {
			kept, err := n.Verify(t.Context(), row.details)
			refused, ok := errors.AsType[*card.RefusedError](err)
			if !ok {
				t.Fatalf("got %v and %v, want a refusal", kept, err)
			}
			if refused.Problem != row.want {
				t.Errorf("the problem is %q, want %q", refused.Problem, row.want)
			}
			if number := row.details.Number.Reveal(); number != "" && strings.Contains(err.Error(), number) {
				t.Errorf("the refusal contains the number")
			}
		})
	}
}

// Every published card has a number that forms accept, and no card is stored
// under its number.
func TestCardsAreWellFormed(t *testing.T) {
	n, _ := newNetwork()
	seen := map[string]bool{}
	for _, c := range sandbox.Cards() {
		if seen[c.Number] || seen[c.Name] || c.Does == "" {
			t.Errorf("card %s is listed twice or has no description", c.Name)
		}
		seen[c.Number], seen[c.Name] = true, true
		code := "123"
		if c.Brand == "American Express" {
			code = "1234"
		}
		kept, err := n.Verify(t.Context(), visa(c.Number, code, 12, 2030))
		if refused, ok := errors.AsType[*card.RefusedError](err); ok &&
			(refused.Problem == payment.CardExpiredByIssuer || refused.Problem == payment.CardCodeWrong) {
			continue // the card is refused by design
		}
		if err != nil || kept.Ref != c.Ref() || strings.Contains(kept.Ref, c.Number) {
			t.Errorf("card %s is kept as %v, %v", c.Name, kept, err)
		}
	}
}

func question(ref string, step payment.Step, cents int64) card.Question {
	return card.Question{Attempt: payment.Attempt{
		Transaction: "T1", Step: step, Amount: money.Cents(cents), Card: payment.StoredCard{Ref: "sandbox:" + ref},
	}}
}

func TestAnswers(t *testing.T) {
	denied := holdfast.CodeTransactionDenied
	for _, row := range []struct {
		card   string
		step   payment.Step
		cents  int64
		code   holdfast.StatusCode // empty if approved
		pauses []time.Duration
	}{
		{"visa-approves", payment.StepAuthorize, 12_00, "", nil},
		{"amex-approves", payment.StepAuthorize, 12_59, "", nil},
		{"visa-declined", payment.StepAuthorize, 12_00, denied, nil},
		{"visa-declined-later", payment.StepAuthorize, 12_00, denied, nil},
		{"visa-no-funds", payment.StepAuthorize, 12_00, "InsufficientBalance", nil},
		{"visa-capture-declined", payment.StepAuthorize, 12_00, "", nil},
		{"visa-capture-declined", payment.StepCapture, 12_00, denied, nil},
		{"visa-capture-declined", payment.StepRelease, 12_00, "", nil},
		{"visa-late", payment.StepAuthorize, 12_00, "", []time.Duration{5 * time.Second}},
		{"visa-late", payment.StepCapture, 12_00, "", nil},
		{"visa-approves", payment.StepAuthorize, 2_61, denied, nil},
		{"visa-approves", payment.StepAuthorize, 100_60, denied, nil},
		{"visa-approves", payment.StepAuthorize, 70, denied, nil},
		{"visa-approves", payment.StepAuthorize, 3_89, denied, []time.Duration{5 * time.Second}},
		{"visa-approves", payment.StepAuthorize, 3_90, "", nil},
		{"visa-approves", payment.StepAuthorize, 60_00, "", nil},
		{"visa-approves", payment.StepCapture, 2_61, "", nil},
		{"visa-no-funds", payment.StepAuthorize, 2_61, "InsufficientBalance", nil},
		{"no-such-card", payment.StepAuthorize, 12_00, denied, nil},
	} {
		t.Run(fmt.Sprintf("%s %s %d", row.card, row.step, row.cents), func(t *testing.T) {
			n, pauses := newNetwork()
			answer, err := n.Ask(t.Context(), question(row.card, row.step, row.cents))
			if err != nil {
				t.Fatal(err)
			}
			if answer.Approved() != (row.code == "") || answer.Code != row.code {
				t.Errorf("got %+v, want code %q", answer, row.code)
			}
			if answer.Approved() != (answer.Message == "") {
				t.Errorf("a decline has words and an approval has none; got %+v", answer)
			}
			if (answer.Authorization != "") != (answer.Approved() && row.step == payment.StepAuthorize) {
				t.Errorf("authorization %q: only an approved hold has a name", answer.Authorization)
			}
			if diff := cmp.Diff(row.pauses, pauses.pauses); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}
			restarted, _ := newNetwork()
			if again, err := restarted.Ask(t.Context(), question(row.card, row.step, row.cents)); err != nil || again != answer {
				t.Errorf("after a restart: got %+v and %v, want %+v", again, err, answer)
			}
		})
	}
}

func TestPlainAmountsDecideNothing(t *testing.T) {
	n, _ := newNetwork()
	n.PlainAmounts = true
	if answer, err := n.Ask(t.Context(), question("visa-approves", payment.StepAuthorize, 2_61)); err != nil ||
		!answer.Approved() {
		t.Errorf("got %+v and %v, want an approval", answer, err)
	}
}

func TestLostQuestionTakesNoEffect(t *testing.T) {
	n, _ := newNetwork()
	q := question("visa-lost-question", payment.StepAuthorize, 12_00)
	q.Asked = 1
	if answer, err := n.Ask(t.Context(), q); err == nil {
		t.Fatalf("the first question is answered: %+v", answer)
	}
	if holds := n.Holds(); len(holds) != 0 {
		t.Errorf("a lost question holds %+v", holds)
	}
	q.Asked = 2
	if answer, err := n.Ask(t.Context(), q); err != nil || !answer.Approved() {
		t.Errorf("asked again: got %+v and %v, want an approval", answer, err)
	}
	if holds := n.Holds(); len(holds) != 1 {
		t.Errorf("got %d holds, want 1", len(holds))
	}
}

func TestLostAnswerLeavesItsEffect(t *testing.T) {
	n, _ := newNetwork()
	q := question("visa-lost-answer", payment.StepAuthorize, 12_00)
	if answer, err := n.Ask(t.Context(), q); err == nil {
		t.Fatalf("the first question is answered: %+v", answer)
	}
	holds := n.Holds()
	if len(holds) != 1 || !holds[0].Open() {
		t.Fatalf("the question took effect, but the holds are %+v", holds)
	}
	q.Asked = 2
	answer, err := n.Ask(t.Context(), q)
	if err != nil || answer.Authorization != holds[0].Authorization {
		t.Errorf("asked again: got %+v and %v, want hold %s", answer, err, holds[0].Authorization)
	}
	if diff := cmp.Diff(holds, n.Holds()); diff != "" {
		t.Errorf("asking again changed the holds (-before +after):\n%s", diff)
	}
	restarted, _ := newNetwork()
	if again, err := restarted.Ask(t.Context(), q); err != nil || again != answer {
		t.Errorf("after a restart: got %+v and %v, want %+v", again, err, answer)
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	n := &sandbox.Network{
		Now: func() time.Time { return today }, After: func(time.Duration) <-chan time.Time { return nil },
	}
	for _, ref := range []string{"visa-late", "visa-lost-question", "visa-lost-answer"} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := n.Ask(ctx, question(ref, payment.StepAuthorize, 12_00))
			ended <- err
		}()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want the context's error", ref, err)
		}
	}
}

func TestScriptGoesFirst(t *testing.T) {
	n, pauses := newNetwork()
	n.Next(
		sandbox.Outcome{Step: payment.StepCapture, Decline: "TransactionDenied", Message: "no"},
		sandbox.Outcome{Decline: "InactiveInstrument", Message: "stopped"},
		sandbox.Outcome{Delay: time.Minute},
	)
	ask := func(id holdfast.TransactionID, step payment.Step, authorization string) payment.Answer {
		t.Helper()
		q := question("visa-approves", step, 12_61)
		q.Transaction, q.Authorization = id, authorization
		answer, err := n.Ask(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if got := ask("T1", payment.StepAuthorize, ""); got.Code != "InactiveInstrument" {
		t.Errorf("first hold: got %+v, want the script's InactiveInstrument", got)
	}
	if got := ask("T1", payment.StepAuthorize, ""); got.Code != "InactiveInstrument" {
		t.Errorf("first hold, asked again: got %+v, want the first answer", got)
	}
	second := ask("T2", payment.StepAuthorize, "")
	if !second.Approved() || len(pauses.pauses) != 1 {
		t.Errorf("second hold: got %+v after %v, want the script's late approval", second, pauses.pauses)
	}
	if got := ask("T2", payment.StepCapture, second.Authorization); got.Code != "TransactionDenied" {
		t.Errorf("capture: got %+v, want the script's decline", got)
	}
	if got := ask("T3", payment.StepAuthorize, ""); got.Approved() {
		t.Errorf("third hold: got %+v, want the outcome of the amount after the end of the script", got)
	}
}

// A question that is sent many times at once takes effect once.
func TestOneKeyIsOneQuestion(t *testing.T) {
	n, _ := newNetwork()
	answers := make(chan payment.Answer, 20)
	var asking sync.WaitGroup
	for range cap(answers) {
		asking.Go(func() {
			answer, err := n.Ask(t.Context(), question("visa-approves", payment.StepAuthorize, 12_00))
			if err != nil {
				t.Error(err)
			}
			answers <- answer
		})
	}
	asking.Wait()
	close(answers)
	first := <-answers
	for answer := range answers {
		if answer != first {
			t.Errorf("got %+v and %+v for one question", first, answer)
		}
	}
	if holds := n.Holds(); len(holds) != 1 {
		t.Errorf("got %d holds, want 1", len(holds))
	}
	if err := n.Audit(); err != nil {
		t.Error(err)
	}
}

// part is the capture of a part of a hold. It has a transaction of its own.
func part(n int, cents int64) card.Question {
	q := question("visa-approves", payment.StepCapture, cents)
	q.Transaction, q.Part = holdfast.TransactionID(fmt.Sprint("P", n)), true
	return q
}

func TestAuditNamesWhatMayNotBeAsked(t *testing.T) {
	hold := func(n *sandbox.Network) string {
		answer, err := n.Ask(t.Context(), question("visa-approves", payment.StepAuthorize, 12_00))
		if err != nil {
			t.Fatal(err)
		}
		return answer.Authorization
	}
	for _, row := range []struct {
		name  string
		asked []card.Question // after a hold of 12.00
		fault string          // empty if none
	}{
		{"captured in part", []card.Question{question("visa-approves", payment.StepCapture, 5_00)}, ""},
		{"released", []card.Question{question("visa-approves", payment.StepRelease, 12_00)}, ""},
		{"captured twice under one key", []card.Question{
			question("visa-approves", payment.StepCapture, 5_00), question("visa-approves", payment.StepCapture, 5_00),
		}, ""},
		{
			"held for another amount",
			[]card.Question{question("visa-approves", payment.StepAuthorize, 13_00)},
			"asked for USD 12.00 and then for USD 13.00",
		},
		{
			"captured above the hold",
			[]card.Question{question("visa-approves", payment.StepCapture, 12_01)},
			"USD 12.01 of the USD 12.00 held",
		},
		{"released after the capture", []card.Question{
			question("visa-approves", payment.StepCapture, 5_00), question("visa-approves", payment.StepRelease, 12_00),
		}, "captured or released"},
		{"captured in parts, and the rest released", []card.Question{
			part(1, 5_00), part(1, 5_00), part(2, 4_00), question("visa-approves", payment.StepRelease, 3_00),
		}, ""},
		{"captured in parts, all of it", []card.Question{part(1, 5_00), part(2, 7_00)}, ""},
		{"parts of more than the hold", []card.Question{part(1, 5_00), part(2, 7_01)}, "USD 7.01 of the USD 7.00 held"},
		{"more released than parts have left", []card.Question{
			part(1, 5_00), question("visa-approves", payment.StepRelease, 12_00),
		}, "USD 12.00 of the USD 7.00 held"},
		{"a part after the release", []card.Question{
			question("visa-approves", payment.StepRelease, 12_00), part(1, 5_00),
		}, "captured or released"},
		{"a part after the capture", []card.Question{
			question("visa-approves", payment.StepCapture, 5_00), part(1, 5_00),
		}, "captured or released"},
		{"captured after the release", []card.Question{
			question("visa-approves", payment.StepRelease, 12_00), question("visa-approves", payment.StepCapture, 12_00),
		}, "captured or released"},
	} {
		t.Run(row.name, func(t *testing.T) {
			n, _ := newNetwork()
			authorization := hold(n)
			for _, q := range row.asked {
				if q.Step != payment.StepAuthorize {
					q.Authorization = authorization
				}
				if _, err := n.Ask(t.Context(), q); err != nil {
					t.Fatal(err)
				}
			}
			err := n.Audit()
			switch {
			case row.fault == "" && err != nil:
				t.Errorf("got %v, want no fault", err)
			case row.fault != "" && (err == nil || !strings.Contains(err.Error(), row.fault)):
				t.Errorf("got %v, want a fault with %q", err, row.fault)
			}
		})
	}
	n, _ := newNetwork()
	hold(n)
	q := question("visa-approves", payment.StepCapture, 12_00)
	q.Authorization = "another"
	if _, err := n.Ask(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if err := n.Audit(); err == nil || !strings.Contains(err.Error(), `names hold "another"`) {
		t.Errorf("got %v, want a fault about the hold's name", err)
	}
}
