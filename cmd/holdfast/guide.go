package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// guide prints the text that tells users what to open and click.
func (d *demo) guide(to io.Writer, a demoAnswer) error {
	if d.fake != nil {
		return d.fakeGuide(to, a)
	}
	program := program()
	_, err := fmt.Fprintf(to, `
Holdfast is running on this machine. Everything is kept in
    %[1]s

1. Open the shop:             %[2]s
   Put something into the cart and press "Pay now".
2. Sign in as the buyer:      %[3]s
   with the password          %[4]s
   The buyer's first card is chosen already. Confirm the address and the amount.
   You come back to the shop: the amount is held, and nothing is charged yet.
3. Open the packing bench:    %[5]s
   Ship the order: that charges the card. You can leave something out, and refund.
4. Open the buyer's account:  %[15]s
   See open holds with their deadlines, and your approvals, which you can revoke.
5. Sign out and sign in as the seller: %[12]s
   with the password          %[13]s
   See what the shop was paid, and what it paid in fees.
6. Buy again, then let seven days pass instead of shipping:
       %[6]s clock advance 7d --data %[7]s
   The bench now refuses to ship, and says why. The buyer can pay again.
7. See what was paid, and check the books:
       %[6]s tx list --data %[7]s
       %[6]s books check --data %[7]s

For operators, the console. It asks for a second factor: a passkey of this computer, or an authenticator app.
       %[17]s
       sign in as   %[18]s
       password     %[19]s

Mails are not sent but shown, on this machine:
       %[14]s
%[16]s
For programs:  Query API   %[8]s
               pipelines   %[9]s
               access key  %[10]s
               secret key  %[11]s
               JSON API    %[8]sv1/
               a key       %[6]s key add --name mine --data %[7]s

Ctrl-C stops. To start again where you stopped:
       %[6]s demo --data %[7]s
`, a.DataDir, a.Shop, a.BuyerEmail, a.BuyerPassword, a.Shop+benchPath, program, quote(a.DataDir),
		a.Endpoint, a.CoBranded, a.AccessKeyID, a.SecretAccessKey, a.RecipientEmail, a.RecipientPassword, a.Inbox, a.Account,
		passkeyWords(d.public), a.Console, a.OperatorEmail, a.OperatorPassword)
	return err
}

// fakeGuide is the guide of a demo whose card network is a fake of Stripe.
func (d *demo) fakeGuide(to io.Writer, a demoAnswer) error {
	_, err := fmt.Fprintf(to, `
Holdfast is running on this machine, together with a fake of Stripe. It works as with a real account at Stripe, but no
money moves, and nothing leaves this machine. Everything is kept in
    %[1]s

1. Open the shop:             %[2]s
   Put something into the cart and press "Pay now".
2. Press "Continue as guest". The card page of the fake opens, at %[16]s
   Type a name, an e-mail address, any date in the future, any security code, and one of these numbers:
       4242 4242 4242 4242   works
       4000 0000 0000 9995   is declined: insufficient funds
       4000 0000 0000 3220   asks you to confirm at the bank
       4000 0000 0000 5126   works, but a refund fails a minute later
   Never type the number of a real card. You come back to the shop: the amount is held, and nothing is charged yet.
3. Open the packing bench:    %[5]s
   Ship the order: that charges the card. You can leave something out, and refund.
4. Buy again, and sign in as  %[3]s
   with the password          %[4]s
   The buyer's account is at %[15]s
5. Sign out and sign in as the seller: %[12]s
   with the password          %[13]s
   See what the shop was paid.
6. See what was paid, and check the account at the fake and the books:
       %[6]s tx list --data %[7]s
       %[6]s network check %[17]s --data %[7]s
       %[6]s books check --data %[7]s

For operators, the console. It asks for a second factor: a passkey of this computer, or an authenticator app.
       %[18]s
       sign in as   %[19]s
       password     %[20]s

Mails are not sent but shown, on this machine:
       %[14]s

For programs:  Query API   %[8]s
               pipelines   %[9]s
               access key  %[10]s
               secret key  %[11]s
               JSON API    %[8]sv1/
               a key       %[6]s key add --name mine --data %[7]s

Ctrl-C stops. To start again where you stopped:
       %[6]s demo --data %[7]s
`, a.DataDir, a.Shop, a.BuyerEmail, a.BuyerPassword, a.Shop+benchPath, program(), quote(a.DataDir),
		a.Endpoint, a.CoBranded, a.AccessKeyID, a.SecretAccessKey, a.RecipientEmail, a.RecipientPassword, a.Inbox, a.Account,
		a.Network, stripeFake, a.Console, a.OperatorEmail, a.OperatorPassword)
	return err
}

// passkeyWords say where passkeys can be tried. Browsers offer them only at a
// host name, not at an IP address.
func passkeyWords(public *url.URL) string {
	if net.ParseIP(public.Hostname()) == nil {
		return ""
	}
	return "\nPasskeys need a name and do not work at this address: leave --listen out to try them.\n"
}

// program is the command that runs this program again. Under go run it is go
// run, because the built binary is deleted afterwards.
func program() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/holdfast"
	}
	return quote(os.Args[0])
}

// quote quotes a word for the shell if necessary.
func quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%=,", r)
	}
	if word != "" && strings.TrimFunc(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

const (
	probeTimeout = 15 * time.Second // for everything to answer
	probePause   = 50 * time.Millisecond
)

// probe waits until both listeners answer, the server to a request that only
// the demo's caller can sign.
func probe(ctx context.Context, a demoAnswer) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	client := &holdfast.Client{
		Endpoint: a.Endpoint, AccessKeyID: a.AccessKeyID, SecretKey: holdfast.NewSecretKey(a.SecretAccessKey), RetriesMax: -1,
	}
	pause := time.NewTicker(probePause)
	defer pause.Stop()
	for {
		_, err := client.Clock(ctx)
		for _, address := range []string{a.Endpoint + "healthz", a.Shop} {
			if err == nil {
				err = answers(ctx, address)
			}
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the demo does not answer: %w", err)
		case <-pause.C:
		}
	}
}

func answers(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, response.Status)
	}
	return nil
}
