package queryapi_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// movers are the actions that move money.
var movers = []string{
	"Pay", "Reserve", "Settle", "Cancel", "Refund", "FundPrepaid", "SettleDebt", "WriteOffDebt",
	"CancelSubscriptionAndRefund",
}

// A moveLog is the log of a server, with the lines about money.
type moveLog struct{ text bytes.Buffer }

func newMoveLog(w *world) *moveLog {
	l := &moveLog{}
	w.server.Log, w.server.LogMoves = slog.New(slog.NewJSONHandler(&l.text, nil)), true
	return l
}

var answeredTo = regexp.MustCompile(`<(\w+)Response xmlns`)

// check requires one line about an answer that moved money, and none about any
// other. The line names the transaction of the answer, and no person.
func (l *moveLog) check(t *testing.T, part, answer string) {
	t.Helper()
	defer l.text.Reset()
	var lines []map[string]any
	for line := range bytes.Lines(l.text.Bytes()) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("%s: %v in %s", part, err, line)
		}
		if fields["msg"] == "money moved" {
			lines = append(lines, fields)
		}
	}
	action, id := answeredTo.FindStringSubmatch(answer), answeredID.FindStringSubmatch(answer)
	if action == nil || id == nil || !slices.Contains(movers, action[1]) {
		if len(lines) > 0 {
			t.Errorf("%s moved no money, and the log has %v", part, lines)
		}
		return
	}
	if len(lines) != 1 || lines[0]["action"] != action[1] || lines[0]["transaction"] != id[1] {
		t.Errorf("%s: the log has %v, want one line about %s of %s", part, lines, action[1], id[1])
	}
	for _, not := range []string{"Ann", "Mugs", "Market", "@", secret} {
		if strings.Contains(l.text.String(), not) {
			t.Errorf("%s: the log has %q:\n%s", part, not, &l.text)
		}
	}
}

func TestLinesAboutMoney(t *testing.T) {
	for _, row := range []struct{ reference, want string }{
		{"order-1001", "order-1001"},
		{"ann@example.test 7", "(hidden)"},
		{"4111 1111 1111 1111", "(hidden)"},
	} {
		w := newWorld(t)
		w.token("A", payment.Token{})
		w.p.Hook = func(string) { w.wait(time.Millisecond) }
		var log bytes.Buffer
		undated := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
		w.server.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: undated}))
		p := holdfast.Params{
			{Name: "Action", Value: "Reserve"},
			{Name: "SenderTokenId", Value: string(tokenID("A"))},
			{Name: "TransactionAmount.CurrencyCode", Value: "USD"},
			{Name: "TransactionAmount.Value", Value: "5"},
			{Name: "CallerReference", Value: row.reference},
		}
		w.exchange("POST", "/", w.signed("POST", "/", "shop", p))
		if log.Len() > 0 {
			t.Errorf("without LogMoves, the log has %s", &log)
		}
		w.server.LogMoves = true
		w.exchange("POST", "/", w.signed("POST", "/", "shop", p))
		want := `level=INFO msg="money moved" action=Reserve caller=CSHOP reference=` + row.want +
			` transaction=10000000000000000000000000000000001 amount="USD 5.00" result=Reserved code=Success took=0s ` +
			"request=00000000-0000-4000-8000-000000000002\n"
		if diff := cmp.Diff(want, log.String()); diff != "" {
			t.Errorf("the log has (-want +got):\n%s", diff)
		}
	}
}
