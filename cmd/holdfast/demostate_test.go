package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// New passwords would not be those of the people who are in the store.
func TestDemoThatForgot(t *testing.T) {
	dir := t.TempDir()
	if _, err := startDemo(t, dir).end(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	memory := filepath.Join(dir, demoFile)
	kept, err := os.ReadFile(memory)
	if err != nil {
		t.Fatal(err)
	}
	forgotten := func(how string) {
		t.Helper()
		out, code := holdfastCommand(t, "demo", "--json", "--data", dir)
		if code != exitFailed || !strings.Contains(out, memory+" is gone or empty") || !strings.Contains(out, "--data") {
			t.Errorf("a demo whose memory is %s: exit code %d\n%s", how, code, out)
		}
	}
	if err := os.WriteFile(memory, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	forgotten("empty")
	if err := os.Remove(memory); err != nil {
		t.Fatal(err)
	}
	forgotten("gone")
	if err := os.WriteFile(memory, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	startDemo(t, dir).token("order-1-pay", money.Cents(100))
}

// The buyer's balance is raised once, whatever the demo remembers. Each start
// makes the caller a marketplace.
func TestDemoDepositsOnce(t *testing.T) {
	dir := t.TempDir()
	restart := func(change func(*demoState)) {
		t.Helper()
		kept, _, err := readDemo(dir)
		if err != nil {
			t.Fatal(err)
		}
		change(&kept)
		if err := kept.write(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := startDemo(t, dir).end(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	answers := func(want string, args ...string) {
		t.Helper()
		if out, code := holdfastCommand(t, append(args, "--data", dir, "--json")...); code != 0 ||
			!strings.Contains(out, want) {
			t.Errorf("holdfast %s: exit code %d, want %s:\n%s", strings.Join(args, " "), code, want, out)
		}
	}
	if _, err := startDemo(t, dir).end(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	answers(`"marketplace":true`, "caller", "list")
	answers(`"balance":"501.00"`, "party", "deposit", "--email", "buyer@demo.example", "--amount", "1")

	restart(func(*demoState) {})
	answers(`"balance":"502.00"`, "party", "deposit", "--email", "buyer@demo.example", "--amount", "1")

	// As after a crash between the deposit and the note in demo.json.
	answers(`"marketplace":false`, "caller", "set", "--no-marketplace")
	restart(func(kept *demoState) { kept.Deposited = false })
	answers(`"marketplace":true`, "caller", "list")
	answers(`"balance":"503.00"`, "party", "deposit", "--email", "buyer@demo.example", "--amount", "1")
	if kept, _, err := readDemo(dir); err != nil || !kept.Deposited {
		t.Errorf("the demo does not remember its deposit (%v)", err)
	}
	booksAreRight(t, dir)
}

// An old program that trusts only Amazon's certificate address can be tried
// with a demo.
func TestADemosCertificatePrefix(t *testing.T) {
	const prefix, returnURL = "https://fps.sandbox.amazonaws.com/", "http://127.0.0.1:4711/return"
	p := startDemo(t, t.TempDir(), "--certificate-prefix", prefix)
	link, err := p.client().SingleUseURL(holdfast.SingleUseRequest{
		CallerReference: "order-1", ReturnURL: returnURL, TransactionAmount: money.Cents(100), PaymentReason: "A test",
		Reserve: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	buyer := newBrowser(t)
	buyer.StopAt = returnURL
	buyer.Open(link)
	buyer.authorise(p.answer.BuyerEmail, p.answer.BuyerPassword)
	if left := fmt.Sprint(buyer.Left); !strings.Contains(left, "certificateUrl="+url.QueryEscape(prefix+"certs/")) {
		t.Errorf("the return is %s", left)
	}
	if out, code := holdfastCommand(t, "demo", "--certificate-prefix",
		"https://fps.sandbox.amazonaws.com"); code != exitFailed || !strings.Contains(out, "ends in a slash") {
		t.Errorf("a prefix without a slash: exit code %d\n%s", code, out)
	}
}
