package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// docs/api/sandbox-clock.md lists the test cards and the behaviour of each.
func TestPageHasTheCards(t *testing.T) {
	var want [][]string
	for _, c := range sandbox.Cards() {
		want = append(want, []string{"`" + c.Number + "`", c.Brand, c.Does})
	}
	if diff := cmp.Diff(want, holdfasttest.ReadPage(t, "sandbox-clock.md").Under("## Test cards").Rows()); diff != "" {
		t.Errorf("cards (-want +got):\n%s", diff)
	}
}

// The page says which amounts are declined.
func TestPageHasTheAmounts(t *testing.T) {
	rows := holdfasttest.ReadPage(t, "sandbox-clock.md").Under("## Amounts").Rows()
	for dime := range int64(10) {
		n, _ := newNetwork()
		answer, err := n.Ask(t.Context(), question("visa-approves", payment.StepAuthorize, 12_05+10*dime))
		if err != nil {
			t.Fatal(err)
		}
		documented := slices.ContainsFunc(rows, func(row []string) bool {
			return row[0] == fmt.Sprintf("`N.%dn`", dime) && strings.Contains(row[1], string(holdfast.CodeTransactionDenied))
		})
		if documented == answer.Approved() {
			t.Errorf("12.%d5 is approved: %t; the page says that it is declined: %t", dime, answer.Approved(), documented)
		}
	}
}
