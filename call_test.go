package holdfast_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
)

// A call is one use of a Client method: the parameters that it must send, the
// server's answer, and the value that it must return.
type call struct {
	action  string
	variant string // of the request, where an action has several calls
	ask     func(context.Context, *holdfast.Client) (any, error)
	sent    holdfast.Params // the action's own parameters, in the order in which they are sent
	result  string          // the content of the answer's result element
	want    any

	// doubt is the expected InDoubtError, without its Err, when no answer comes.
	// It is empty for a call that moves no money.
	doubt holdfast.InDoubtError

	// flaws are replacements in the answer, old text to new text. Each of them
	// makes the answer unreadable.
	flaws map[string]string
}

// answered holds the fields that every answer has in addition to its result.
var answered = holdfast.Answer{RequestID: testRequestID, ServerTime: testNow}

// allCalls returns the calls of all actions.
func allCalls() []call {
	return slices.Concat(payCalls, transactionCalls, accountCalls, tokenCalls, prepaidCalls, debtCalls, subscriptionCalls)
}

// asking binds a method to its request, so that methods of different types fit
// into one table.
func asking[Q, R any](
	method func(*holdfast.Client, context.Context, Q) (R, error), request Q,
) func(context.Context, *holdfast.Client) (any, error) {
	return func(ctx context.Context, c *holdfast.Client) (any, error) { return method(c, ctx, request) }
}

// askingForNothing wraps a method that has no request.
func askingForNothing[R any](
	method func(*holdfast.Client, context.Context) (R, error),
) func(context.Context, *holdfast.Client) (any, error) {
	return func(ctx context.Context, c *holdfast.Client) (any, error) { return method(c, ctx) }
}

func (c call) name() string { return strings.TrimSpace(c.action + " " + c.variant) }

// answer returns the whole XML document that the server sends.
func (c call) answer() string {
	document := resultXML(c.action, c.result)
	if c.action == "CancelToken" { // the one action without a result
		document = strings.Replace(document, "<CancelTokenResult></CancelTokenResult>", "", 1)
	}
	return document
}

// checkCalls makes each call and checks all sent parameters and all fields of
// the result.
func checkCalls(t *testing.T, calls []call) {
	t.Helper()
	for _, c := range calls {
		t.Run(c.name(), func(t *testing.T) {
			f := newFakeServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Holdfast-Time", testNow.Format(time.RFC3339Nano))
				answerWith(http.StatusOK, c.answer())(w, r)
			})
			got, err := c.ask(t.Context(), f.client())
			if err != nil {
				t.Fatal(err)
			}
			if diff := compare.Diff(c.want, got); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			want := slices.Concat(holdfast.Params{{"Action", c.action}}, c.sent, holdfast.Params{
				{"AWSAccessKeyId", testAccessKey},
				{"SignatureVersion", "2"},
				{"SignatureMethod", "HmacSHA256"},
				{"Timestamp", "2026-11-23T10:15:30.044Z"},
				{"Version", "2010-08-28"},
			})
			if diff := compare.Diff(want, sentParams(t, f.requests()[0], "/")); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// checkUnanswered checks the result of a call without a readable answer. It
// must be an InDoubtError if the call moves money and another error if not, but
// never a value.
func (c call) checkUnanswered(t *testing.T, got any, err error) {
	t.Helper()
	if err == nil || !reflect.ValueOf(got).IsZero() {
		t.Fatalf("got %+v, %v", got, err)
	}
	if refusal, ok := errors.AsType[*holdfast.Error](err); ok {
		t.Errorf("a refusal that nobody sent: %v", refusal)
	}
	doubt, ok := errors.AsType[*holdfast.InDoubtError](err)
	if !ok {
		doubt = &holdfast.InDoubtError{}
	} else if doubt.Err == nil {
		t.Error("the doubt has no reason")
	}
	if diff := compare.Diff(c.doubt,
		holdfast.InDoubtError{
			Action: doubt.Action, Reference: doubt.Reference, TransactionID: doubt.TransactionID,
		}); diff != "" {
		t.Errorf("doubt (-want +got):\n%s\nin %v", diff, err)
	}
	if !strings.Contains(err.Error(), c.action) {
		t.Errorf("the error does not name the action: %v", err)
	}
}

func TestEveryActionCanBeRefused(t *testing.T) {
	for _, c := range allCalls() {
		f := newFakeServer(t, answerError(http.StatusBadRequest, holdfast.InvalidParams, "No."))
		got, err := c.ask(t.Context(), f.client())
		want := &holdfast.Error{
			Code: holdfast.InvalidParams, Message: "No.", RequestID: "9a1d43d4-47c8-4b8a-9fd6-b4cbf4b3a6bd",
			Status: http.StatusBadRequest,
		}
		refusal, ok := errors.AsType[*holdfast.Error](err)
		if !ok || !reflect.ValueOf(got).IsZero() {
			t.Errorf("%s: got %+v, %v", c.name(), got, err)
			continue
		}
		if diff := compare.Diff(want, refusal); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name(), diff)
		}
		if _, ok := errors.AsType[*holdfast.InDoubtError](err); ok || len(f.requests()) != 1 {
			t.Errorf("%s: %v after %d requests; a refusal is no doubt, and is not asked for again", c.name(), err,
				len(f.requests()))
		}
	}
}

func TestNoAnswerIsDoubtWhereMoneyMoves(t *testing.T) {
	for _, c := range allCalls() {
		t.Run(c.name(), func(t *testing.T) {
			f := newFakeServer(t, answerNothing)
			got, err := c.ask(t.Context(), f.client())
			c.checkUnanswered(t, got, err)
			if n := len(f.requests()); n != 4 {
				t.Errorf("asked %d times, want 4", n)
			}
			if strings.Contains(err.Error(), "Signature=") || strings.Contains(err.Error(), "  ") {
				t.Errorf("the error quotes the request, or has a gap: %v", err)
			}
		})
	}
}

func TestUnreadableAnswers(t *testing.T) {
	for _, c := range allCalls() {
		t.Run(c.name(), func(t *testing.T) {
			document := c.answer()
			for _, old := range slices.Sorted(maps.Keys(c.flaws)) {
				if !strings.Contains(document, old) {
					t.Fatalf("there is no %s to change", old)
				}
				got, err := c.ask(t.Context(), cannedClient(http.StatusOK, strings.Replace(document, old, c.flaws[old], 1)))
				t.Logf("%q instead of %q: %v", c.flaws[old], old, err)
				c.checkUnanswered(t, got, err)
			}
			for cut := range len(document) {
				got, err := c.ask(t.Context(), cannedClient(http.StatusOK, document[:cut]))
				if err == nil {
					t.Fatalf("read a value from %q", document[:cut])
				}
				c.checkUnanswered(t, got, err)
			}
			for _, other := range allCalls() {
				if other.action != c.action {
					got, err := c.ask(t.Context(), cannedClient(http.StatusOK, other.answer()))
					c.checkUnanswered(t, got, err)
				}
			}
		})
	}
}

// cannedClient returns a client that gets the same bytes as answer to every
// request, without a network, and never retries.
func cannedClient(status int, body string) *holdfast.Client {
	return &holdfast.Client{
		Endpoint: "http://fps.example.test/", AccessKeyID: testAccessKey, SecretKey: holdfast.NewSecretKey(vectorSecret),
		HTTP: &http.Client{Transport: canned{status, body}}, Now: func() time.Time { return testNow }, RetriesMax: -1,
	}
}

type canned struct {
	status int
	body   string
}

func (a canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

// actions are all actions of the Query API.
var actions = []string{
	"Pay", "Reserve", "Settle", "Cancel", "Refund",
	"GetTransaction", "GetTransactionStatus",
	"GetAccountActivity", "GetAccountBalance",
	"GetTokenByCaller", "GetTokens", "GetTokenUsage", "CancelToken",
	"InstallPaymentInstruction", "GetPaymentInstruction", "GetRecipientVerificationStatus",
	"VerifySignature",
	"FundPrepaid", "GetPrepaidBalance", "GetTotalPrepaidLiability",
	"SettleDebt", "WriteOffDebt", "GetDebtBalance", "GetOutstandingDebtBalance",
	"CancelSubscriptionAndRefund", "GetSubscriptionDetails", "GetTransactionsForSubscription",
}

// Every action has a method, a call in these tests, and a place in the
// package's documentation.
func TestEveryActionHasAMethod(t *testing.T) {
	if len(actions) != 27 {
		t.Errorf("%d actions, want 27", len(actions))
	}
	documentation, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	client := reflect.TypeFor[*holdfast.Client]()
	methods := map[string]bool{}
	for i := range client.NumMethod() {
		methods[strings.ToLower(client.Method(i).Name)] = true
	}
	for _, action := range actions {
		if !methods[strings.ToLower(action)] {
			t.Errorf("the Client has no method %s", action)
		}
		if !slices.ContainsFunc(allCalls(), func(c call) bool { return c.action == action }) {
			t.Errorf("%s is called in no test", action)
		}
		if !strings.Contains(string(documentation), "[Client."+action+"]") {
			t.Errorf("doc.go does not name [Client.%s]", action)
		}
	}
	for _, c := range allCalls() {
		if !slices.Contains(actions, c.action) {
			t.Errorf("a test calls %s, which is not an action", c.action)
		}
	}
}
