package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A shop is a caller with a buyer whose card pays for everything.
type shop struct {
	t      *testing.T
	db     *store.DB
	caller party.Caller
	key    party.AccessKey
	buyer  party.Party
	card   payment.Instrument
	ids    processor.RandomIDs
}

func openShop(t *testing.T, db *store.DB) *shop {
	t.Helper()
	s := &shop{t: t, db: db, ids: processor.RandomIDs{Now: time.Now}}
	p := processor.New(db, processor.Config{Network: &sandbox.Network{Now: time.Now}, Now: time.Now})
	defer p.Close()
	owner, err := p.Identity.CreateParty(t.Context(), identity.NewParty{
		Name: "Kiln", Email: "kiln@example.test", Password: "correct horse battery",
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.caller, s.key, err = p.CreateCaller(t.Context(),
		processor.NewCaller{Owner: owner.ID, Name: "Kiln", Sandbox: true}); err != nil {
		t.Fatal(err)
	}
	if s.buyer, err = p.Identity.CreateParty(t.Context(),
		identity.NewParty{Name: "Ann", Email: "ann@example.test", Password: "correct horse battery"}); err != nil {
		t.Fatal(err)
	}
	s.card, err = p.AddCard(t.Context(), s.buyer.ID, card.Details{
		Number: card.NewNumber("4242424242424242"), SecurityCode: card.NewNumber("123"), ExpiryMonth: 12,
		ExpiryYear: time.Now().Year() + 1, Holder: "Ann",
	}, true)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mint makes tokens as the Co-Branded pages do, each for one payment.
func (s *shop) mint(n int) []holdfast.TokenID {
	s.t.Helper()
	all := make([]holdfast.TokenID, 0, n)
	for len(all) < n {
		var tokens []payment.Token
		for range min(500, n-len(all)) {
			now := processor.Micro(time.Now())
			tokens = append(tokens, payment.Token{
				ID: s.ids.Token(), Caller: s.caller.ID, Use: payment.UsePay, Type: holdfast.TokenSingleUse,
				Reference: holdfast.CallerReference(s.ids.Other("cart-")), FriendlyName: "One mug", Reason: "One mug",
				Installed: now, Expires: now.Add(payment.SingleUseLife), Sender: s.buyer.ID, Recipient: s.caller.Owner,
				Instrument: s.card.ID, Method: s.card.Method, AmountType: holdfast.AmountMaximum, Amount: money.Cents(10_00),
			})
		}
		err := s.db.Update(s.t.Context(), func(tx *store.Tx) error {
			_, err := tx.Install(payment.Installation{Tokens: tokens})
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, token := range tokens {
			all = append(all, token.ID)
		}
	}
	return all
}

// client asks one server.
func (s *shop) client(at *server, tally *tally) *holdfast.Client {
	return &holdfast.Client{
		Endpoint: "http://" + at.listen + "/", AccessKeyID: s.key.ID, SecretKey: s.key.Secret,
		HTTP: &http.Client{Timeout: 10 * time.Second, Transport: tally},
	}
}

// A tally counts the answers of all tries.
type tally struct {
	http.Transport
	mu    sync.Mutex
	codes map[string]int
}

var codeIn = regexp.MustCompile(`<Code>([^<]*)</Code>`)

func (t *tally) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.Transport.RoundTrip(r)
	if err != nil {
		t.count("no answer")
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		t.count("200")
		return answer, nil
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.count("no answer")
		return nil, err
	}
	code := answer.Status
	if found := codeIn.FindSubmatch(body); found != nil {
		code = string(found[1])
	}
	t.count(code)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

func (t *tally) count(code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.codes == nil {
		t.codes = map[string]int{}
	}
	t.codes[code]++
}

// check fails if an answer says anything but to send the request again.
func (t *tally) check(test *testing.T) {
	test.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(t.codes)) {
		parts = append(parts, fmt.Sprintf("%d %s", t.codes[code], code))
		switch code {
		case "200", "no answer", string(holdfast.ServiceUnavailable), string(holdfast.InternalError):
		default:
			test.Errorf("a wrong answer: %s", code)
		}
	}
	test.Logf("answers of the tries: %s", strings.Join(parts, ", "))
}

// An order is one payment, as its caller knows it.
type order struct {
	reference holdfast.CallerReference
	token     holdfast.TokenID
	amount    money.Amount
	id        holdfast.TransactionID
	settled   bool // the Settle was answered
}

// A load makes orders continuously. Each order asks one server after the other,
// with the same CallerReference, until it has an answer.
type load struct {
	t       *testing.T
	clients []*holdfast.Client
	tokens  []holdfast.TokenID

	mu     sync.Mutex
	next   int
	orders []order     // that were answered
	acks   []time.Time // when
	stop   chan struct{}
	done   sync.WaitGroup
}

const workers = 12

func (l *load) start() {
	l.stop = make(chan struct{})
	for worker := range workers {
		l.done.Go(func() {
			for l.step(worker) {
				select {
				case <-l.stop:
					return
				case <-time.After(60 * time.Millisecond): // two cores run three servers and three nodes
				}
			}
		})
	}
}

// finish ends the load after every started order has an answer.
func (l *load) finish() {
	close(l.stop)
	l.done.Wait()
}

func (l *load) step(worker int) bool {
	l.mu.Lock()
	i := l.next
	l.next++
	l.mu.Unlock()
	if i >= len(l.tokens) {
		return false
	}
	o := order{
		reference: holdfast.CallerReference(fmt.Sprint("order-", i)), token: l.tokens[i],
		amount: money.Cents(int64(1_00 + i%5*1_00)),
	}
	reserved, ok := until(l, worker, func(ctx context.Context, c *holdfast.Client) (holdfast.TransactionResult, error) {
		return c.Reserve(ctx, holdfast.ReserveRequest{
			SenderTokenID: o.token, CallerReference: o.reference, TransactionAmount: o.amount,
		})
	})
	if !ok {
		return false
	}
	o.id = reserved.TransactionID
	// A server asks the network again about a Pending reserve; it cannot be
	// settled yet.
	if reserved.Status == holdfast.StatusReserved && i%3 != 0 {
		_, o.settled = until(l, worker+1, func(ctx context.Context, c *holdfast.Client) (holdfast.TransactionResult, error) {
			return c.Settle(ctx, holdfast.SettleRequest{ReserveTransactionID: o.id})
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.orders = append(l.orders, o)
	return true
}

// until asks servers in turn until one of them answers. An answer that a
// failing server or database would not give ends the test.
func until(
	l *load, first int, ask func(context.Context, *holdfast.Client) (holdfast.TransactionResult, error),
) (holdfast.TransactionResult, bool) {
	for try := first; ; try++ {
		result, err := ask(context.Background(), l.clients[try%len(l.clients)])
		var refusal *holdfast.Error
		var doubt *holdfast.InDoubtError
		switch {
		case err == nil:
			l.mu.Lock()
			l.acks = append(l.acks, time.Now())
			l.mu.Unlock()
			return result, true
		case errors.As(err, &refusal) &&
			(refusal.Code == holdfast.ServiceUnavailable || refusal.Code == holdfast.InternalError):
		case errors.As(err, &doubt):
		default:
			l.t.Errorf("a wrong answer: %v", err)
			return result, false
		}
	}
}

// silence is the longest time without an answered write that began or ended
// between two moments.
func (l *load) silence(from, to time.Time) (longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	acks := slices.Clone(l.acks)
	slices.SortFunc(acks, time.Time.Compare)
	for i := 1; i < len(acks); i++ {
		if acks[i].After(from) && acks[i-1].Before(to) {
			longest = max(longest, acks[i].Sub(acks[i-1]))
		}
	}
	return longest
}

// answered is the number of answered writes so far.
func (l *load) answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acks)
}
