package payment_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// docs/api/return-url.md has a row for each status code, with the pipelines
// that can end with it.
func TestReturnPageHasTheStatusCodes(t *testing.T) {
	all := make([]string, len(payment.Pipelines))
	for i, p := range payment.Pipelines {
		all[i] = string(p)
	}
	want := map[string][]string{"A": all, "CE": all, "SE": all, "NP": all}
	for _, p := range payment.Pipelines {
		for _, status := range endsOf(p) {
			if !slices.Contains(want[string(status)], string(p)) {
				want[string(status)] = append(want[string(status)], string(p))
			}
		}
	}
	got := map[string][]string{}
	for _, row := range holdfasttest.ReadPage(t, "return-url.md").Under("## Status codes").Rows() {
		pipelines := strings.Split(row[1], ", ")
		if row[1] == "all" {
			pipelines = all
		}
		got[holdfasttest.Quoted(row[0])[0]] = pipelines
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status codes and their pipelines (-want +got):\n%s", diff)
	}
	for _, status := range holdfasttest.Constants(t, "ReturnStatus") {
		if got[status] == nil {
			t.Errorf("%s is missing", status)
		}
		success := strings.HasPrefix(status, "S") && status != "SE"
		if success != (holdfast.Return{Status: holdfast.ReturnStatus(status)}).Authorised() {
			t.Errorf("the page calls %s a success: %t", status, success)
		}
	}
}

// endsOf are the statuses with which this pipeline, but not every pipeline, can
// end.
func endsOf(p payment.Pipeline) (ends []holdfast.ReturnStatus) {
	for _, m := range []holdfast.PaymentMethod{holdfast.MethodABT, holdfast.MethodACH, holdfast.MethodCC} {
		chosen := payment.Instrument{ID: "new", Method: m}
		ends = append(ends, agreement(p, chosen).Install().Status)
	}
	if (payment.PipelineRequest{Pipeline: p}).Pays() {
		ends = append(ends, payment.NoMethod().Status)
	}
	named, _ := payment.ReadPipeline(namingRecipients(p))
	if len(named.Recipients) > 0 {
		ends = append(ends, named.CheckPayees(party.Caller{}, []payment.Payee{{Named: "R"}}, holdfasttest.Start).Status)
	}
	if p == payment.PipelineEditToken {
		ends = append(
			ends, agreement(p, payment.Instrument{ID: "old"}).Install().Status, payment.NoAccount().Status,
			payment.Token{}.CanEdit("C", holdfasttest.Start).Status,
			payment.Token{Sender: "P1"}.CanBeEditedBy(party.Party{ID: "P2"}).Status,
		)
	}
	return ends
}

// agreement is an agreement to pay with an instrument. An edited token paid
// with a different one.
func agreement(p payment.Pipeline, by payment.Instrument) payment.Agreement {
	return payment.Agreement{
		Request: payment.PipelineRequest{Pipeline: p}, Instrument: by, Edited: payment.Token{Instrument: "old"},
	}
}

// namingRecipients are the parameters of a request that names recipients in
// every possible way.
func namingRecipients(p payment.Pipeline) holdfast.Params {
	params := holdfast.Params{{Name: "pipelineName", Value: string(p)}}
	for _, pair := range []string{
		"callerReference=a", "callerReferenceSender=b", "callerReferenceFunding=c", "callerReferenceSettlement=d",
		"transactionAmount=1.00", "globalAmountLimit=1.00", "creditLimit=1.00", "fundingAmount=1.00",
		"recurringPeriod=1 Month", "recipientPaysFee=True", "tokenID=T", "recipientToken=R", "recipientTokenList=R",
	} {
		name, value, _ := strings.Cut(pair, "=")
		params = append(params, holdfast.Param{Name: name, Value: value})
	}
	return params
}

// The page lists the messages of status NP that the code has.
func TestReturnPageHasTheAccountProblems(t *testing.T) {
	personal := party.Party{ID: "P2", Standing: party.Active}
	cards := payment.PipelineRequest{Methods: []holdfast.PaymentMethod{holdfast.MethodCC}}
	var want []string
	for _, end := range []*payment.PipelineEnd{
		payment.Restarted(),
		cards.AccountProblem(personal, personal),
		cards.AccountProblem(party.Party{ID: "P1"}, party.Party{ID: "P2", Standing: party.Closed}),
		cards.AccountProblem(party.Party{ID: "P1"}, personal),
		cards.OwnProblem(party.Party{Standing: party.Suspended}, holdfasttest.Start),
		payment.PipelineRequest{Pipeline: payment.PipelineRecipient}.OwnProblem(personal, holdfasttest.Start),
	} {
		want = append(want, end.Message)
	}
	var got []string
	for _, row := range holdfasttest.ReadPage(t, "return-url.md").Under("### The meanings of NP").Rows() {
		got = append(got, holdfasttest.Quoted(row[0])...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// docs/api/sandbox-clock.md has each token that simulates an account with a
// problem.
func TestSandboxPageHasTheTokens(t *testing.T) {
	got := map[string]string{}
	for _, row := range holdfasttest.ReadPage(t, "sandbox-clock.md").Under("## Test tokens").Rows() {
		got[row[2]+" "+row[0]] = row[1]
	}
	want := map[string]string{}
	for id, e := range payment.SandboxSenders {
		want["`"+string(id)+"` `SenderTokenId`"] = "`" + string(e.Code) + "`: " + e.Message
	}
	for id, e := range payment.SandboxRecipients {
		want["`"+string(id)+"` `RecipientTokenId`"] = "`" + string(e.Code) + "`: " + e.Message
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}
