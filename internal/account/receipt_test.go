package account_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// The link of a receipt shows its transaction to a reader who is not signed in, and
// nothing about the buyer.
func TestAReceiptByItsLink(t *testing.T) {
	s := newSite(t)
	var link string
	s.Processor.Receipts = func(r payment.Receipt) (string, string) {
		link = r.Page
		return "receipt", "text"
	}
	if err := s.Processor.PrepareReceipts(t.Context()); err != nil {
		t.Fatal(err)
	}
	hold := s.Reserved("32.00", "order-4711")
	if _, err := s.Settle(hold.ID, "30.00"); err != nil {
		t.Fatal(err)
	}
	b := s.newBrowser()
	if got := b.get("receipt?link=" + link); got.status != http.StatusOK {
		t.Fatalf("the receipt is answered with %d", got.status)
	}
	b.wantText("Receipt: "+s.Shop.Name, "$30.00", "Paid", "order-4711", string(hold.ID), "no real money")
	b.wantNoText(s.Buyer.Email, s.Buyer.Name, string(hold.Token))
	if cache := b.at.header.Get("Cache-Control"); !strings.Contains(cache, "no-store") {
		t.Errorf("the receipt may be cached: %q", cache)
	}
	for name, forged := range map[string]string{
		"none": "", "changed": strings.Replace(link, string(hold.ID), "T"+string(hold.ID)[1:], 1) + "A",
		"long": strings.Repeat("A", party.LinkMax+1),
	} {
		if got := b.get("receipt?link=" + forged); got.status != http.StatusGone {
			t.Errorf("%s: the link is answered with %d", name, got.status)
		}
	}
	s.Clock.Advance(3 * 366 * 24 * time.Hour)
	if got := b.get("receipt?link=" + link); got.status != http.StatusGone {
		t.Errorf("an old link is answered with %d", got.status)
	}
}

// The file has the same payments as the pages, in one request, and no cell that a
// spreadsheet program takes for a formula.
func TestTheHistoryAsAFile(t *testing.T) {
	s := newSite(t)
	const payments = 620 // more than are read at a time
	for range payments {
		s.Deposit(s.Buyer.ID, "1.00")
		s.Clock.Advance(time.Second)
	}
	if _, err := s.Refund(s.Paid("5.00", "order-1").ID, "2.00", "refund"); err != nil {
		t.Fatal(err)
	}
	s.ChangeCaller(s.Shop.ID, func(c *party.Caller) { c.Name = "=SUM(A1)" })
	s.Reserved("7.50", "order-2")
	b := s.ann()
	b.get("history/csv")
	if got := b.at.header.Get("Content-Type"); got != "text/csv; charset=utf-8" {
		t.Fatalf("the file is %s: %s", got, b.at.body)
	}
	if got := b.at.header.Get("Content-Length"); got != strconv.Itoa(len(b.at.body)) { // so a cut file is noticed
		t.Errorf("the file has %d bytes, and says %q", len(b.at.body), got)
	}
	lines := strings.Split(strings.TrimSpace(b.at.body), "\n")
	if want := 1 + payments + 3; len(lines) != want {
		t.Errorf("the file has %d lines, want %d", len(lines), want)
	}
	b.wantText("Time (UTC),Name,For,State,Amount,Currency", "'=SUM(A1)", ",-5.00,USD,,2.00,", ",7.50,USD,7.50,")
	b.get("history/csv?show=refunds")
	if got := strings.Count(b.at.body, "\n"); got != 2 {
		t.Errorf("there are %d lines about refunds:\n%s", got, b.at.body)
	}
	b.get("history/csv?show=nonsense")
	if b.at.status != http.StatusNotFound {
		t.Errorf("a wrong filter is answered with %d", b.at.status)
	}
	owner := s.owner()
	owner.get("history/csv?period=" + holdfasttest.Start.Format("2006-01"))
	owner.wantText("order-1", ",5.00,USD,")
	stranger := s.newBrowser()
	stranger.get("history/csv")
	if strings.Contains(stranger.at.body, "USD") {
		t.Error("a stranger gets the file")
	}
}
