package ipn_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// page is the documentation of what this package sends.
func page(t *testing.T) holdfasttest.Page { return holdfasttest.ReadPage(t, "notifications.md") }

// Each field has its row, and there are no other rows.
func TestPageHasTheFields(t *testing.T) {
	signed, err := holdfasttest.Sign(http.MethodPost, "https://shop.example.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	names := func(p holdfast.Params) (all []string) {
		for _, field := range p {
			all = append(all, field.Name)
		}
		return all
	}
	for heading, want := range map[string][]string{
		"### Fields of a transaction": append(names(ipn.TransactionFields(ipn.Message{})), holdfast.CallerField),
		"### Fields of a token": append(names(ipn.TokenFields(ipn.Message{Token: &payment.Token{}})),
			holdfast.CallerField),
		"### Fields of the signature": names(signed),
	} {
		var got []string
		for _, row := range page(t).Under(heading).Rows() {
			got = append(got, holdfasttest.Quoted(row[0])...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", heading, diff)
		}
	}
}

// Each value of a field that has a few is there, and no other.
func TestPageHasTheValues(t *testing.T) {
	upper := func(values []string) []string {
		for i, value := range values {
			values[i] = strings.ToUpper(value)
		}
		return values
	}
	for _, row := range []struct {
		heading, field string
		want           []string
	}{
		{"### Fields of a transaction", "transactionStatus", upper(holdfasttest.Constants(t, "TransactionStatus"))},
		{"### Fields of a transaction", "operation", upper(holdfasttest.Constants(t, "Operation"))},
		{"### Fields of a transaction", "paymentMethod", holdfasttest.Constants(t, "PaymentMethod")},
		{"### Fields of a transaction", "notificationType", []string{
			ipn.TransactionFields(ipn.Message{}).Get("notificationType"),
		}},
		{"### Fields of a token", "tokenType", holdfasttest.Constants(t, "TokenType")},
		{"### Fields of a token", "notificationType", []string{
			ipn.TokenFields(ipn.Message{Token: &payment.Token{}}).Get("notificationType"),
		}},
	} {
		var got []string
		for _, cells := range page(t).Under(row.heading).Rows() {
			if cells[0] == "`"+row.field+"`" {
				got = holdfasttest.Quoted(cells[1])
			}
		}
		slices.Sort(got)
		slices.Sort(row.want)
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.field, diff)
		}
	}
}

// The codes are all that transactions have, with each status that the events of
// TestEvents show them with.
func TestPageHasTheStatusCodes(t *testing.T) {
	with := map[string][]string{}
	for _, row := range page(t).Under("### Status codes").Rows() {
		with[holdfasttest.Quoted(row[0])[0]] = holdfasttest.Quoted(row[1])
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(holdfasttest.Constants(t, "StatusCode"))),
		slices.Sorted(maps.Keys(with))); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	told, err := os.ReadFile("testdata/events.txt")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string][]string{}
	var status string
	for line := range strings.Lines(string(told)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "status":
			status = value
		case "statusCode":
			if !slices.Contains(shown[value], status) {
				shown[value] = append(shown[value], status)
			}
		}
	}
	byText := cmp.Transformer("sorted", func(all []string) []string { return slices.Sorted(slices.Values(all)) })
	if diff := cmp.Diff(shown, with, byText); diff != "" {
		t.Errorf("codes and their statuses (-events +page):\n%s", diff)
	}
}

// The page's times are those at which a notification that nobody takes is tried.
func TestPageHasTheTimes(t *testing.T) {
	var tries []time.Duration
	at, again := holdfasttest.Start.Add(3*time.Second), true
	for again {
		tries = append(tries, at.Sub(holdfasttest.Start))
		at, again = ipn.NextTry(holdfasttest.Start, at, len(tries))
	}
	rows := page(t).Under("## Tries and times").Rows()
	for i, row := range rows[:len(rows)-2] {
		if row[1] != tries[i].String() {
			t.Errorf("try %s is %s after the change, and the page says %s", row[0], tries[i].String(), row[1])
		}
	}
	for i := len(rows) - 2; i < len(tries); i++ {
		if pause := tries[i] - tries[i-1]; pause != time.Hour {
			t.Errorf("try %d is %v after the one before", i+1, pause)
		}
	}
	last := rows[len(rows)-1]
	if want := []string{fmt.Sprint("last, ", len(tries)), tries[len(tries)-1].String()}; !slices.Equal(last, want) {
		t.Errorf("the last try is %q, want %q", last, want)
	}
}
