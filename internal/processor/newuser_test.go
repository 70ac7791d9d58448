package processor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

const here = "198.51.100.7" // a network address

func wantErr(w *holdfasttest.World, what string, err, want error) {
	w.T.Helper()
	if !errors.Is(err, want) {
		w.T.Errorf("%s: %v, want %v", what, err, want)
	}
}

// signUp signs up a new party, whose e-mail address must be verified.
func signUp(w *holdfasttest.World) party.Party {
	w.T.Helper()
	p, err := w.Processor.Identity.SignUp(w.T.Context(),
		identity.NewParty{Name: "Nora New", Email: "nora@example.test", Password: holdfasttest.Password, Language: "de"},
		here)
	if err != nil {
		w.T.Fatal(err)
	}
	return p
}

func wantBlocked(w *holdfasttest.World, what string, err error) {
	w.T.Helper()
	if _, blocked := errors.AsType[*identity.GuessesError](err); !blocked {
		w.T.Errorf("%s: %v, want a *GuessesError", what, err)
	}
}

// proveByLink follows a letter's link.
func proveByLink(w *holdfasttest.World, partyID party.ID, link string) error {
	_, err := w.Processor.Identity.ProveByLink(w.T.Context(), partyID, link)
	return err
}

// A new user can pay in the first 24 hours, must verify after that, and can be
// paid only when verified.
func TestWhatNewUsersMayDo(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		nora := signUp(w)
		pay := func(ref holdfast.CallerReference) error {
			_, err := w.Pay(w.Token(payment.Token{
				Sender: nora.ID, Instrument: w.AddCard(nora.ID).ID, Method: holdfast.MethodCC, AmountType: holdfast.AmountMaximum,
				Amount: holdfasttest.USD("5.00"),
			}), "5.00", ref)
			return err
		}
		if err := pay("order-1"); err != nil {
			t.Fatalf("within the grace: %v", err)
		}
		w.Clock.Advance(24 * time.Hour)
		w.WantCode(pay("order-2"), holdfast.UnverifiedEmailAddressSender)
		if err := w.Processor.Identity.SendVerification(t.Context(), nora.ID, here); err != nil {
			t.Fatal(err)
		}
		if err := w.Processor.Identity.ProveByCode(t.Context(), nora.ID, party.ProvesEmail,
			post.Last(nora.Email, party.NoticeVerify).Code); err != nil {
			t.Fatal(err)
		}
		if err := pay("order-3"); err != nil {
			t.Fatalf("verified: %v", err)
		}
		w.Change(nora.ID, func(p *party.Party) { p.EmailVerified = false })
		w.WantCode(pay("order-4"), holdfast.UnverifiedEmailAddressSender)
	})
}

// visit begins a pipeline.
func visit(w *holdfasttest.World, pairs ...string) payment.VisitID {
	w.T.Helper()
	var p holdfast.Params
	for i := 0; i < len(pairs); i += 2 {
		p = append(p, holdfast.Param{Name: pairs[i], Value: pairs[i+1]})
	}
	r, end := payment.ReadPipeline(p)
	if end != nil {
		w.T.Fatal(end)
	}
	v, err := w.Processor.StartVisit(w.T.Context(), w.Shop, r, p, false)
	if err != nil {
		w.T.Fatal(err)
	}
	return v.ID
}

func TestPipelinesAskNewUsersToVerify(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		nora := signUp(w)
		enter := func(id payment.VisitID) (payment.Visit, error) {
			return w.Processor.EnterVisit(t.Context(), id, nora.ID)
		}
		pays := visit(w, "pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5")
		if v, err := enter(pays); err != nil || v.Over() {
			t.Errorf("to pay: %+v, %v", v, err)
		}
		paid := visit(w, "pipelineName", "Recipient", "callerReference", "seller-1", "recipientPaysFee", "False")
		_, err := enter(paid)
		wantErr(w, "to be paid", err, processor.ErrUnproved)
		w.Clock.Advance(24 * time.Hour)
		_, err = enter(pays)
		wantErr(w, "to pay after the grace", err, processor.ErrUnproved)
		_, err = w.Processor.ConfirmVisit(t.Context(), pays, nora.ID, processor.Shown{})
		wantErr(w, "to confirm after the grace", err, processor.ErrUnproved)
		if err := proveByLink(w, nora.ID, post.Last(nora.Email, party.NoticeVerify).Link); !errors.Is(err,
			identity.ErrLinkOver) {
			t.Fatal(err)
		}
		if err := w.Processor.Identity.SendVerification(t.Context(), nora.ID, here); err != nil {
			t.Fatal(err)
		}
		if err := proveByLink(w, nora.ID, post.Last(nora.Email, party.NoticeVerify).Link); err != nil {
			t.Fatal(err)
		}
		for _, id := range []payment.VisitID{pays, paid} {
			if v, err := enter(id); err != nil || v.Over() {
				t.Errorf("verified: %+v, %v", v, err)
			}
		}
		w.Change(nora.ID, func(p *party.Party) { p.EmailVerified = false })
		if v, err := enter(paid); err != nil || v.Status != holdfast.ReturnAccountProblem {
			t.Errorf("unverified by the operator: %+v, %v", v, err)
		}
	})
}

func TestPolicyWithoutGrace(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Mailing()
		w.Processor.Identity.VerifyWithin = -1
		_, err := w.Processor.EnterVisit(t.Context(),
			visit(w, "pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5"), signUp(w).ID)
		wantErr(w, "entering", err, processor.ErrUnproved)
	})
}
