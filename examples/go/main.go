// Command go takes one order from the link to the refund, on a running demo:
//
//	holdfast demo --json > demo.json &
//	go run . demo.json
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

var price = money.Cents(1250)

func main() {
	port, public := "9000", ""
	switch len(os.Args) {
	case 4:
		public = os.Args[3]
		fallthrough
	case 3:
		port = os.Args[2]
	case 2:
	default:
		fmt.Fprintln(os.Stderr, "usage: go run . demo.json [PORT [PUBLIC-ADDRESS]]")
		os.Exit(2)
	}
	// The public address is the one that buyers and the server use. Behind a proxy
	// it is not the one that this program listens at.
	if public == "" {
		public = "http://localhost:" + port
	}
	if err := run(context.Background(), os.Args[1], port, public); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if _, doubt := errors.AsType[*holdfast.InDoubtError](err); doubt {
			fmt.Fprintln(os.Stderr, "Send the same request again, with the same CallerReference.")
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, demoFile, port, public string) error {
	text, err := os.ReadFile(demoFile)
	if err != nil {
		return fmt.Errorf("reading the demo's answer: %w", err)
	}
	var demo struct {
		Endpoint, CoBranded, AccessKeyID, SecretAccessKey string
		CallerID                                          holdfast.CallerID
	}
	if err := json.Unmarshal(text, &demo); err != nil {
		return fmt.Errorf("reading the demo's answer: %w", err)
	}
	client := &holdfast.Client{
		Endpoint: demo.Endpoint, CoBranded: demo.CoBranded,
		AccessKeyID: demo.AccessKeyID, SecretKey: holdfast.NewSecretKey(demo.SecretAccessKey),
	}
	s := &shop{
		client: client, public: public, order: "order-" + rand.Text()[:8],
		// It asks the server about each signature. With Certificates it asks nobody.
		verifier: holdfast.Verifier{CallerID: demo.CallerID, Client: client},
		returns:  make(chan holdfast.Return, 10), notifications: make(chan holdfast.Notification, 10),
	}
	if err := s.listen(ctx, port); err != nil {
		return err
	}
	return s.sell(ctx)
}

// A shop sells one mug.
type shop struct {
	client        *holdfast.Client
	verifier      holdfast.Verifier
	public        string // address that buyers and the server reach it at
	order         string
	returns       chan holdfast.Return
	notifications chan holdfast.Notification
}

// reference names one thing to be done. Store it before you ask, so that you can
// ask again with the same one.
func (s *shop) reference(thing string) holdfast.CallerReference {
	return holdfast.CallerReference(s.order + "-" + thing)
}

func (s *shop) sell(ctx context.Context) error {
	link, err := s.client.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference: s.reference("pay"), ReturnURL: s.public + "/return",
		TransactionAmount: price, PaymentReason: "A mug", Reserve: true,
	})
	if err != nil {
		return err
	}
	fmt.Println("Link for the buyer:", link)
	back := <-s.returns
	fmt.Println("The buyer came back with status", back.Status)
	if !back.Authorised() || back.CallerReference != s.reference("pay") {
		return errors.New("the buyer did not agree to this payment")
	}

	held, err := s.client.Reserve(ctx, holdfast.ReserveRequest{
		SenderTokenID: back.TokenID, CallerReference: s.reference("reserve"), TransactionAmount: price,
		OverrideIPNURL: s.public + "/ipn",
	})
	if err != nil {
		return err
	}
	if err := s.expect(ctx, "Reserve", held, holdfast.StatusReserved); err != nil {
		return err
	}

	// The parcel is packed and leaves: take the money. Settle has no reference,
	// since a transaction is settled only once.
	paid, err := s.client.Settle(ctx, holdfast.SettleRequest{
		ReserveTransactionID: held.TransactionID, OverrideIPNURL: s.public + "/ipn",
	})
	if err != nil {
		return err
	}
	if err := s.expect(ctx, "Settle", paid, holdfast.StatusSuccess); err != nil {
		return err
	}

	// The parcel comes back: so does the money.
	refund, err := s.client.Refund(ctx, holdfast.RefundRequest{
		TransactionID: held.TransactionID, CallerReference: s.reference("refund"), OverrideIPNURL: s.public + "/ipn",
	})
	if err != nil {
		return err
	}
	if err := s.expect(ctx, "Refund", refund, holdfast.StatusSuccess); err != nil {
		return err
	}

	// Notifications come late, twice or in another order, so they are hints. Only
	// an answer of the API decides what you ship.
	for told := range s.notifications {
		fmt.Println("Notified:", told.Operation, told.Status, told.Amount)
		if told.TransactionID == refund.TransactionID && told.Status == holdfast.StatusSuccess {
			break
		}
	}
	fmt.Println("Done:", s.order)
	return nil
}

// expect waits until the outcome is known, and fails if it is another one.
func (s *shop) expect(
	ctx context.Context, action string, r holdfast.TransactionResult, wanted holdfast.TransactionStatus,
) error {
	status := r.Status
	for status == holdfast.StatusPending {
		time.Sleep(time.Second)
		state, err := s.client.GetTransactionStatus(ctx, r.TransactionID)
		if err != nil {
			return err
		}
		status = state.Status
	}
	fmt.Printf("%s: %s is %s\n", action, r.TransactionID, status)
	if status != wanted {
		return fmt.Errorf("%s failed", action)
	}
	return nil
}

// listen receives buyers at /return and notifications at /ipn.
func (s *shop) listen(ctx context.Context, port string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /return", s.receive)
	mux.Handle("/ipn", s.verifier.IPNHandler(s.public+"/ipn", func(_ context.Context, n holdfast.Notification) error {
		s.notifications <- n
		return nil
	}))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:"+port)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: mux, ReadTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until the program ends
	return nil
}

func (s *shop) receive(w http.ResponseWriter, r *http.Request) {
	back, err := s.verifier.ParseReturn(r.Context(), s.public+r.URL.RequestURI())
	if err != nil {
		status := http.StatusForbidden
		if unverified, ok := errors.AsType[*holdfast.UnverifiedError](err); ok && unverified.Unanswered {
			status = http.StatusServiceUnavailable // it may be genuine
		}
		http.Error(w, http.StatusText(status), status)
		return
	}
	s.returns <- back
	fmt.Fprintln(w, "Thank you.")
}
