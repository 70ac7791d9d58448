package main

import (
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// An operator sees what the network said of a payment, the payments that need a
// person, and the disputes that must be answered, the most urgent first.
func TestWhatTheNetworkSaid(t *testing.T) {
	address := filepath.Join(t.TempDir(), "s.db")
	db, err := openStore(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	addNetwork(t, db, "N1", payment.NetworkTest, testKey)
	addNetwork(t, db, "N2", payment.NetworkTest, testKey)
	at := holdfasttest.Start
	known := payment.NetworkPayment{
		Caller: "C1", Transaction: "1T1", Account: "N1", Updated: at,
		Details: payment.Details{
			Reference: "pi_1", Status: "succeeded", HoldUntil: at.Add(time.Hour), DeclineCode: "do_not_honor",
			Attention: "somebody captured the hold",
		},
	}
	dispute := payment.Dispute{
		Account: "N2", ID: "dp_1", Caller: "C1", Transaction: "1T2", Amount: money.Cents(1234), Reason: "fraudulent",
		Status: "needs_response", Open: true, Due: at.Add(48 * time.Hour), Booked: "1B", Opened: at, Updated: at,
	}
	urgent, decided := dispute, dispute
	urgent.ID, urgent.Due, urgent.Booked = "dp_2", at.Add(time.Hour), ""
	decided.ID, decided.Open = "dp_3", false
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertCaller(party.Caller{ID: "C1", Sandbox: true, Created: at}); err != nil {
			return err
		}
		for _, d := range []payment.Dispute{dispute, urgent, decided} {
			if err := tx.SaveDispute(payment.Dispute{}, d); err != nil {
				return err
			}
		}
		return tx.SaveNetworkPayment(known)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"network", "payment", "1T1"}, `(?s)network's id +pi_1\n.*decline code +do_not_honor\n.*attention +somebody captured`},
		{[]string{"network", "payment", "1T1", "--json"}, `"reference":"pi_1","status":"succeeded","holdUntil":"[^"]+","declineCode"`},
		{[]string{"network", "attention"}, `1T1 +C1 +pi_1 +[-0-9]+ [:0-9]+ +somebody captured the hold\n$`},
		{[]string{"network", "attention", "n2"}, `^$`},
		{[]string{"network", "attention", "N1", "--json"}, `"attention":"somebody captured the hold"`},
		{[]string{"network", "attention", "--csv"}, `^id,caller_id,.*\n1T1,C1,N1,pi_1,succeeded,[^,]+Z,somebody captured the hold\n$`},
		{[]string{"network", "disputes", "--csv"}, `(?m)^dp_2,N2,C1,1T2,12.34,fraudulent,needs_response,[^,]+Z,,[^,]+Z$`},
		{[]string{"network", "events", "--csv"}, `^account_id,event_id,type,object,payment,received,outcome,tries,problem\n$`},
		{[]string{"network", "disputes"}, `(?s)^ANSWER BY.*dp_2 +1T2 +USD 12.34 +fraudulent +needs_response +inquiry\n.*dp_1 .* dispute\n$`},
		{[]string{"network", "disputes", "n1"}, `^$`},
		{[]string{"network", "disputes", "--json"}, `"disputeId":"dp_2",.*"amount":"12.34"`},
	} {
		if out := onStore(t, address, row.args...); !regexp.MustCompile(row.want).MatchString(out) {
			t.Errorf("%q prints\n%s", row.args, out)
		}
	}
	if out, code := holdfastCommand(t, "network", "payment", "1T9", "--store", address); code != exitFailed ||
		!regexp.MustCompile("no card network knows a transaction 1T9").MatchString(out) {
		t.Errorf("an unknown transaction: exit code %d, %s", code, out)
	}
}

// A transaction that the operator has looked at needs no attention any more.
func TestClearAttention(t *testing.T) {
	address := filepath.Join(t.TempDir(), "s.db")
	db, err := openStore(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := holdfasttest.NewWorld(t, db)
	held := w.Reserved("10.00", "order-1")
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SaveNetworkPayment(payment.NetworkPayment{
			Caller: w.Shop.ID, Transaction: held.ID, Account: "N1", Updated: w.Clock.Now(), Details: payment.Details{Attention: "captured by hand"},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := onStore(t, address, "network", "clear", string(held.ID)); out !=
		"Transaction "+string(held.ID)+" can be settled and cancelled again.\n" {
		t.Errorf("clear prints %q", out)
	}
	if out, code := holdfastCommand(t, "network", "clear", string(held.ID), "--store", address); code != exitFailed ||
		!regexp.MustCompile("needs no attention").MatchString(out) {
		t.Errorf("clearing again: exit code %d, %s", code, out)
	}
	if out := onStore(t, address, "network", "attention"); out != "" {
		t.Errorf("after that, attention prints %q", out)
	}
}

// An operator lists the payments whose outcome is not known, for people and for programs.
func TestQuestionsOfPayments(t *testing.T) {
	address := filepath.Join(t.TempDir(), "s.db")
	db, err := openStore(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := holdfasttest.NewWorld(t, db)
	w.Clock.Set(time.Now()) // the program has the real time
	w.Processor.Wait = -1
	var last payment.Transaction
	for _, order := range []holdfast.CallerReference{"order-1", "order-2"} {
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		if last, err = w.Reserve(w.Authorize("42.50"), "42.50", order); err != nil {
			t.Fatal(err)
		}
	}
	err = db.Update(t.Context(), func(tx *store.Tx) error { return tx.AskAgain(last, w.Clock.Now().Add(time.Hour)) })
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args []string
		want string
	}{
		{nil, `(?s)^TRANSACTION .*order-1 +USD 42.50 +Authorize +in doubt +1 +[-0-9]+ [:0-9]+ +[-0-9]+ [:0-9]+\n$`},
		{[]string{"--all", "--caller", string(w.Shop.ID)}, `(?s)order-1 .*order-2 .*accepted`},
		{[]string{"--json"}, `^{"transactionId":"[^"]+","callerId":"[^"]+","reference":"order-1","amount":"42.50","question":` +
			`"Authorize","inDoubt":true,"asked":1,"since":"[^"]+","next":"[^"]+"}\n$`},
		{[]string{"--csv", "--all", "--max", "1"}, `(?s)^transaction_id,.*,order-1,42.50,Authorize,true,1,.*There are more than 1`},
	} {
		if out := onStore(t, address, append([]string{"network", "questions"}, row.args...)...); !regexp.MustCompile(row.want).MatchString(out) {
			t.Errorf("%q prints\n%s", row.args, out)
		}
	}
}

// A hold of a page that needs a person is listed, until a person acknowledges it.
func TestAttentionForAPageHold(t *testing.T) {
	address := filepath.Join(t.TempDir(), "s.db")
	db, err := openStore(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := holdfasttest.NewWorld(t, db)
	addNetwork(t, db, "N1", payment.NetworkTest, testKey)
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.InsertPageHold(payment.PageHold{
			ID: "H1", Caller: w.Shop.ID, Visit: "V1", Party: w.Buyer.ID, Account: "N1", Amount: holdfasttest.USD("9.00"),
			Reference: "pi_1", State: payment.PageHoldHeld, Created: w.Clock.Now(), Finding: "captured elsewhere",
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := onStore(t, address, "network", "attention"); !regexp.MustCompile(`H1 +C\S+ +pi_1 .*captured elsewhere`).MatchString(out) {
		t.Errorf("attention prints %q", out)
	}
	if out := onStore(t, address, "network", "attention", "--json"); !regexp.MustCompile(`^{"pageHoldId":"H1",`).MatchString(out) {
		t.Errorf("attention prints %q", out)
	}
	if out := onStore(t, address, "network", "clear", "H1"); out != "Hold H1 raises no alarm for this reason again.\n" {
		t.Errorf("clear prints %q", out)
	}
	if out, code := holdfastCommand(t, "network", "clear", "H1", "--store", address); code != exitFailed {
		t.Errorf("clearing again: exit code %d, %s", code, out)
	}
	if out := onStore(t, address, "network", "attention"); regexp.MustCompile("H1").MatchString(out) {
		t.Errorf("after that, attention prints %q", out)
	}
}
