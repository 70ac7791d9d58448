package queryapi_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// decided says which entry of the audit log each action writes. Reserve, Pay and Settle
// write none: their steps are their record. See decision 81.
var decided = map[string]string{
	"CancelSubscriptionAndRefund":    "subscription.cancel ?token.cancel",
	"CancelToken":                    "token.cancel",
	"Cancel":                         "payment.cancel",
	"FundPrepaid":                    "prepaid.fund",
	"GetAccountActivity":             "",
	"GetAccountBalance":              "",
	"GetDebtBalance":                 "",
	"GetOutstandingDebtBalance":      "",
	"GetPaymentInstruction":          "",
	"GetPrepaidBalance":              "",
	"GetRecipientVerificationStatus": "",
	"GetSubscriptionDetails":         "",
	"GetTokenByCaller":               "",
	"GetTokenUsage":                  "",
	"GetTokens":                      "",
	"GetTotalPrepaidLiability":       "",
	"GetTransaction":                 "",
	"GetTransactionStatus":           "",
	"GetTransactionsForSubscription": "",
	"InstallPaymentInstruction":      "token.install",
	"Pay":                            "",
	"Refund":                         "payment.refund",
	"Reserve":                        "",
	"Settle":                         "",
	"SettleDebt":                     "debt.settle",
	"VerifySignature":                "",
	"Clock":                          "caller.change",
	"WriteOffDebt":                   "debt.write_off",
}

// Every action of the API writes the entry that was decided into the audit log, in the
// name of its access key. The story of the pages has every action.
func TestEveryActionIsInTheAuditLog(t *testing.T) {
	for _, name := range append(queryapi.ActionNames(), "Clock") {
		if _, known := decided[name]; !known {
			t.Errorf("nobody has decided what %s writes into the audit log", name)
		}
	}
	story, err := txtar.ParseFile("testdata/pages.txtar")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	var trail holdfasttest.AuditTrail
	ids, answer := map[string]string{}, ""
	for _, part := range story.Files {
		text := strings.TrimSuffix(string(part.Data), "\n")
		switch kind, number, _ := strings.Cut(part.Name, " "); kind {
		case "world":
			w.arrange(text)
		case "wait":
			d, err := time.ParseDuration(text)
			if err != nil {
				t.Fatal(err)
			}
			w.wait(d)
		case "answers":
			w.answers()
		case "response":
			if id := answeredID.FindStringSubmatch(answer); id != nil {
				ids[number] = id[1]
			}
		case "request":
			request := expand(text, ids)
			_, _, given := readRequest(t, request)
			trail.Note(given.Get("Action"), w.logged(func() { answer = w.play(request) })...)
		}
	}
	trail.Note("Clock", w.logged(func() { w.play("POST /sandbox/clock shop\nAdvance=1h") })...)
	for _, fault := range trail.Faults(decided, true) {
		t.Error(fault)
	}
}

// logged returns the actions that a request has written into the audit log. Each is in
// the name of an access key.
func (w *world) logged(ask func()) (actions []party.AuditAction) {
	w.t.Helper()
	for _, e := range holdfasttest.Logged(w.t, w.db.Reader, ask) {
		if e.Actor.Kind == party.ActorServer {
			continue
		}
		actions = append(actions, e.Action)
		if a := e.Actor; a.Kind != party.ActorKey || a.ID == "" || a.From == "" || e.Object == "" || e.Caller == "" {
			w.t.Errorf("%s is by %+v, on %q", e.Action, a, e.Object)
		}
	}
	return actions
}
