package holdfast_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
	"github.com/holdfast-pay/holdfast/money"
)

const balanceXML = "<AccountBalance>" +
	"<TotalBalance><CurrencyCode>USD</CurrencyCode><Value>87.090000</Value></TotalBalance>" +
	"<PendingInBalance><CurrencyCode>USD</CurrencyCode><Value>1.000000</Value></PendingInBalance>" +
	"<PendingOutBalance><CurrencyCode>USD</CurrencyCode><Value>2.000000</Value></PendingOutBalance><AvailableBalances>" +
	"<DisburseBalance><CurrencyCode>USD</CurrencyCode><Value>85.090000</Value></DisburseBalance>" +
	"<RefundBalance><CurrencyCode>USD</CurrencyCode><Value>-84.000001</Value></RefundBalance></AvailableBalances>" +
	"</AccountBalance>"

// refundedXML is a row of account activity with every possible element.
var refundedXML = "<Transaction><TransactionId>" + testID +
	"</TransactionId><CallerTransactionDate>2026-11-23T02:15:30.044-08:00</CallerTransactionDate>" +
	"<DateReceived>2026-11-23T02:15:31.044-08:00</DateReceived>" +
	"<DateCompleted>2026-11-23T02:15:32.044-08:00</DateCompleted>" +
	amountXML("TransactionAmount", "2.500000") +
	"<FPSOperation>Refund</FPSOperation><TransactionStatus>Success</TransactionStatus>" +
	"<StatusMessage>Paid back.</StatusMessage><StatusCode>Success</StatusCode>" +
	"<OriginalTransactionId>T1</OriginalTransactionId>" +
	"<TransactionPart><InstrumentId>I1</InstrumentId><Role>Recipient</Role><Name>Tea &amp; Mugs</Name>" +
	amountXML("FeesPaid", "-0.130000") + "</TransactionPart>" +
	"<TransactionPart><Role>Caller</Role><Reference>r-1</Reference><Description>Mug</Description></TransactionPart>" +
	"<PaymentMethod>CC</PaymentMethod><SenderName>Ann Buyer</SenderName><CallerName>Mug shop</CallerName>" +
	"<RecipientName>Tea &amp; Mugs</RecipientName>" +
	amountXML("FPSFees", "-0.140000") + amountXML("Balance", "19.310000") +
	"<SenderTokenId>" + testToken + "</SenderTokenId><RecipientTokenId>R1</RecipientTokenId></Transaction>"

var refunded = holdfast.AccountTransaction{
	TransactionID: testID, CallerTransactionDate: testNow, DateReceived: testNow.Add(time.Second),
	DateCompleted: testNow.Add(2 * time.Second), TransactionAmount: money.Cents(250), Operation: holdfast.OperationRefund,
	Status: holdfast.StatusSuccess, StatusMessage: "Paid back.",
	StatusCode: holdfast.CodeSuccess, OriginalTransactionID: "T1",
	Parts: []holdfast.TransactionPart{
		{InstrumentID: "I1", Role: holdfast.RoleRecipient, Name: "Tea & Mugs", FeesPaid: money.Cents(-13)},
		{Role: holdfast.RoleCaller, Reference: "r-1", Description: "Mug"},
	},
	PaymentMethod: holdfast.MethodCC, SenderName: "Ann Buyer", CallerName: "Mug shop", RecipientName: "Tea & Mugs",
	FPSFees: money.Cents(-14), Balance: money.Cents(1931), SenderTokenID: testToken, RecipientTokenID: "R1",
}

var accountCalls = []call{
	{
		action: "GetAccountBalance",
		ask:    askingForNothing((*holdfast.Client).GetAccountBalance),
		result: balanceXML,
		want: holdfast.AccountBalance{
			Total: money.Cents(8709), PendingIn: money.Cents(100), PendingOut: money.Cents(200),
			Disburse: money.Cents(8509), Refund: money.Micros(-84_000_001), Answer: answered,
		},
		flaws: map[string]string{
			"87.090000":                            "87.09.00",
			"1.000000":                             "1 000000",
			"2.000000":                             "0x2",
			"85.090000":                            "",
			"-84.000001":                           "--84",
			amountXML("TotalBalance", "87.090000"): "",
		},
	},
	{
		action: "GetAccountActivity", variant: "with everything",
		ask: asking((*holdfast.Client).GetAccountActivity, holdfast.GetAccountActivityRequest{
			// Another time zone and microseconds: the date is sent in UTC and in
			// milliseconds.
			StartDate: testNow.Add(999 * time.Microsecond).In(time.FixedZone("", -8*60*60)), EndDate: testNow.Add(time.Hour),
			MaxBatchSize: 200, SortOrderByDate: holdfast.SortAscending, FPSOperation: holdfast.OperationRefund,
			PaymentMethod: holdfast.MethodCC, Roles: []holdfast.Role{holdfast.RoleCaller, holdfast.RoleRecipient},
			TransactionStatus: holdfast.StatusSuccess,
		}),
		sent: holdfast.Params{
			{"MaxBatchSize", "200"},
			{"StartDate", "2026-11-23T10:15:30.044Z"},
			{"EndDate", "2026-11-23T11:15:30.044Z"},
			{"SortOrderByDate", "Ascending"},
			{"FPSOperation", "Refund"},
			{"PaymentMethod", "CC"},
			{"Role.1", "Caller"},
			{"Role.2", "Recipient"},
			{"TransactionStatus", "Success"},
		},
		result: "<BatchSize>2</BatchSize>" + refundedXML + rowXML("T2") +
			"<StartTimeForNextTransaction>2026-11-23T02:15:33.044-08:00</StartTimeForNextTransaction>",
		want: holdfast.AccountActivity{
			BatchSize: 2, Transactions: []holdfast.AccountTransaction{
				refunded, {TransactionID: "T2", Status: holdfast.StatusPending},
			},
			Next: testNow.Add(3 * time.Second), Answer: answered,
		},
		flaws: map[string]string{
			"<BatchSize>2": "<BatchSize>two",
			"<TransactionId>" + testID + "</TransactionId>":  "",
			"<TransactionStatus>Pending</TransactionStatus>": "",
			"2026-11-23T02:15:30.044-08:00":                  "23 Nov 2026",
			"2026-11-23T02:15:31.044-08:00":                  "2026-11-23T25:15:31.044-08:00",
			"2026-11-23T02:15:32.044-08:00":                  "T",
			"2026-11-23T02:15:33.044-08:00":                  "next",
			"2.500000":                                       "2.5000000",
			"-0.130000":                                      "-.13",
			"-0.140000":                                      "- 0.14",
			"19.310000":                                      "NaN",
		},
	},
	{
		action: "GetAccountActivity",
		ask:    asking((*holdfast.Client).GetAccountActivity, holdfast.GetAccountActivityRequest{StartDate: testNow}),
		sent:   holdfast.Params{{"StartDate", "2026-11-23T10:15:30.044Z"}},
		result: "<BatchSize>0</BatchSize>",
		want:   holdfast.AccountActivity{Answer: answered},
	},
}

func TestAccount(t *testing.T) { checkCalls(t, accountCalls) }

// rowXML is a row of account activity with only the required elements.
func rowXML(id string) string {
	return "<Transaction><TransactionId>" + id +
		"</TransactionId><TransactionStatus>Pending</TransactionStatus></Transaction>"
}

// answerPage answers with a page of transactions; next is empty for the last
// page.
func answerPage(next string, ids ...string) http.HandlerFunc {
	rows := fmt.Sprintf("<BatchSize>%d</BatchSize>", len(ids))
	for _, id := range ids {
		rows += rowXML(id)
	}
	if next != "" {
		rows += "<StartTimeForNextTransaction>" + next + "</StartTimeForNextTransaction>"
	}
	return answerResult("GetAccountActivity", rows)
}

// walk iterates over at most limit transactions. It returns their ids and the
// error that ended the loop.
func walk(t *testing.T, f *fakeServer, r holdfast.GetAccountActivityRequest, limit int) (ids string, err error) {
	t.Helper()
	for row, err := range f.client().AccountActivity(t.Context(), r) {
		if err != nil {
			if row.TransactionID != "" {
				t.Errorf("%v came with transaction %s", err, row.TransactionID)
			}
			return ids, err
		}
		if ids += string(row.TransactionID); len(ids) == limit {
			break
		}
	}
	return ids, nil
}

// spans returns the dates and the order of the requests, one request a line.
func spans(t *testing.T, f *fakeServer) string {
	t.Helper()
	var all strings.Builder
	for _, r := range f.requests() {
		p := sentParams(t, r, "/")
		fmt.Fprintf(&all, "%s to %s %s of %s\n", p.Get("StartDate"), p.Get("EndDate"), p.Get("SortOrderByDate"),
			p.Get("Role.1"))
	}
	return all.String()
}

func TestAccountActivityWalksOverPages(t *testing.T) {
	for _, tt := range []struct {
		name      string
		order     holdfast.SortOrder
		end       time.Time
		pages     []http.HandlerFunc
		ids, asks string
	}{
		{
			name: "ascending", order: holdfast.SortAscending, end: testNow.Add(time.Hour),
			pages: []http.HandlerFunc{
				answerPage("2026-11-23T02:20:00.001-08:00", "A", "B"), answerPage("2026-11-23T10:30:00Z", "C"), answerPage("", "D"),
			},
			ids: "ABCD",
			asks: "2026-11-23T10:15:30.044Z to 2026-11-23T11:15:30.044Z Ascending of Caller\n" +
				"2026-11-23T10:20:00.001Z to 2026-11-23T11:15:30.044Z Ascending of Caller\n" +
				"2026-11-23T10:30:00.000Z to 2026-11-23T11:15:30.044Z Ascending of Caller\n",
		},
		{
			name: "descending", order: holdfast.SortDescending, end: testNow.Add(time.Hour),
			pages: []http.HandlerFunc{
				answerPage("2026-11-23T10:30:00Z", "D"), answerPage("2026-11-23T10:20:00.001Z", "C"), answerPage("", "B", "A"),
			},
			ids: "DCBA",
			asks: "2026-11-23T10:15:30.044Z to 2026-11-23T11:15:30.044Z Descending of Caller\n" +
				"2026-11-23T10:15:30.044Z to 2026-11-23T10:30:00.000Z Descending of Caller\n" +
				"2026-11-23T10:15:30.044Z to 2026-11-23T10:20:00.001Z Descending of Caller\n",
		},
		{
			name:  "in the order that the server takes for granted, until now",
			pages: []http.HandlerFunc{answerPage("2026-11-23T10:30:00Z", "B"), answerPage("", "A")},
			ids:   "BA",
			asks:  "2026-11-23T10:15:30.044Z to   of Caller\n2026-11-23T10:15:30.044Z to 2026-11-23T10:30:00.000Z  of Caller\n",
		},
		{
			name: "over empty pages", order: holdfast.SortAscending,
			pages: []http.HandlerFunc{
				answerPage("2026-11-23T10:20:00Z"), answerPage("2026-11-23T10:30:00Z"), answerPage("2026-11-23T10:40:00Z", "A"),
				answerPage(""),
			},
			ids: "A",
			asks: "2026-11-23T10:15:30.044Z to  Ascending of Caller\n2026-11-23T10:20:00.000Z to  Ascending of Caller\n" +
				"2026-11-23T10:30:00.000Z to  Ascending of Caller\n2026-11-23T10:40:00.000Z to  Ascending of Caller\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeServer(t, tt.pages...)
			ids, err := walk(t, f, holdfast.GetAccountActivityRequest{
				StartDate: testNow, EndDate: tt.end, SortOrderByDate: tt.order, Roles: []holdfast.Role{holdfast.RoleCaller},
			}, -1)
			if err != nil || ids != tt.ids {
				t.Errorf("walked over %s, %v; want %s", ids, err, tt.ids)
			}
			if diff := compare.Diff(tt.asks, spans(t, f)); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAccountActivityStopsAtAnError(t *testing.T) {
	f := newFakeServer(t, answerPage("2026-11-23T10:20:00Z", "A", "B"),
		answerError(http.StatusBadRequest, holdfast.AccessFailure, "The account is suspended."))
	ids, err := walk(t, f, holdfast.GetAccountActivityRequest{StartDate: testNow, SortOrderByDate: holdfast.SortAscending},
		-1)
	refusal, ok := errors.AsType[*holdfast.Error](err)
	if ids != "AB" || !ok || refusal.Code != holdfast.AccessFailure || len(f.requests()) != 2 {
		t.Errorf("walked over %s in %d requests, then %v", ids, len(f.requests()), err)
	}

	// A loop may continue after an error, but gets nothing more.
	steps := 0
	for row, err := range f.client().AccountActivity(t.Context(), holdfast.GetAccountActivityRequest{StartDate: testNow}) {
		if steps++; err == nil {
			t.Errorf("came by %+v", row)
		}
	}
	if steps != 1 || len(f.requests()) != 3 {
		t.Errorf("%d steps in %d requests after an error", steps, len(f.requests())-2)
	}
}

func TestAccountActivityStopsWithTheLoop(t *testing.T) {
	for limit, want := range map[int]string{1: "A", 2: "AB"} { // within a page, and at its end
		f := newFakeServer(t, answerPage("2026-11-23T10:20:00Z", "A", "B"), answerPage("", "C"))
		ids, err := walk(t, f, holdfast.GetAccountActivityRequest{
			StartDate: testNow, SortOrderByDate: holdfast.SortAscending,
		}, limit)
		if err != nil || ids != want || len(f.requests()) != 1 {
			t.Errorf("%d: walked over %s in %d requests, %v", limit, ids, len(f.requests()), err)
		}
	}
}

// A server whose next page is the same page or an earlier one must not make the
// loop endless.
func TestAccountActivityDoesNotWalkInCircles(t *testing.T) {
	for name, tt := range map[string]struct {
		order holdfast.SortOrder
		next  time.Time
	}{
		"ascending, the same page":   {holdfast.SortAscending, testNow},
		"ascending, a page before":   {holdfast.SortAscending, testNow.Add(-time.Millisecond)},
		"descending, the same page":  {holdfast.SortDescending, testNow.Add(time.Hour)},
		"descending, a page after":   {holdfast.SortDescending, testNow.Add(time.Hour + time.Millisecond)},
		"no order, the same page":    {"", testNow.Add(time.Hour)},
		"no order, a page after all": {"", testNow.Add(2 * time.Hour)},
	} {
		f := newFakeServer(t, answerPage(tt.next.Format(time.RFC3339Nano), "A"))
		r := holdfast.GetAccountActivityRequest{
			StartDate: testNow, EndDate: testNow.Add(time.Hour), SortOrderByDate: tt.order,
		}
		ids, err := walk(t, f, r, 5)
		if err == nil || ids != "A" || len(f.requests()) != 1 {
			t.Errorf("%s: walked over %s in %d requests, %v", name, ids, len(f.requests()), err)
		}
	}
}
