package processor_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// stored reads a key.
func stored(w *holdfasttest.World, id party.JSONKeyID) (key party.JSONKey) {
	w.T.Helper()
	if err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		key, _, err = tx.JSONKey(id)
		return err
	}); err != nil {
		w.T.Fatal(err)
	}
	return key
}

// holdWith asks for a hold with a key, under a new idempotency key.
func holdWith(w *holdfasttest.World, key party.JSONKey, amount string) error {
	w.T.Helper()
	h := hold(w, amount)
	_, err := createHold(w, w.CallWith(key, w.IDs.Other("call-"), "POST /v1/holds", h), h)
	return err
}

// refundWith asks for a refund with a key, under a new idempotency key.
func refundWith(w *holdfasttest.World, key party.JSONKey, id holdfast.TransactionID, amount string) error {
	w.T.Helper()
	r := processor.RefundPayment{Payment: id, Amount: holdfasttest.USD(amount)}
	c := w.CallWith(key, w.IDs.Other("call-"), "POST /v1/payments/"+string(id)+"/refunds", r)
	_, err := w.Processor.RefundPayment(w.T.Context(), w.Shop, c, r)
	return err
}

func TestAddKey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		n := processor.NewKey{
			Name: "warehouse", Scopes: "read settle", HoldLimit: holdfasttest.USD("10.00"), Life: time.Hour,
		}
		key, text := w.JSONKey(w.Shop, n)
		sent, err := party.ParseKey(text)
		if err != nil || sent.ID != key.ID {
			t.Fatalf("the key is %+v, %v", sent, err)
		}
		caller, found, ok, err := w.DB.CallerByJSONKey(t.Context(), key.ID)
		if err != nil || !ok || caller.ID != w.Shop.ID || found != key || stored(w, key.ID) != key {
			t.Errorf("the key is %+v, and read as %+v of %s, %v", key, found, caller.ID, err)
		}
		if w.Shop.Events || !caller.Events {
			t.Error("the caller had events before its first key, or has none with it")
		}
		if err := found.Open(sent, caller, w.Clock.Now()); err != nil {
			t.Errorf("the key does not open: %v", err)
		}
		if _, _, ok, err := w.DB.CallerByJSONKey(t.Context(), "J-unknown"); ok || err != nil {
			t.Errorf("an unknown key is found: %v, %v", ok, err)
		}
		for _, wrong := range []processor.NewKey{
			{Scopes: "read"}, {Name: "a\nb", Scopes: "read"}, {Name: "none"}, {Name: "past", Scopes: "read", Life: -1},
		} {
			if _, _, err := w.Processor.AddKey(t.Context(), w.Shop.ID, wrong); err == nil {
				t.Errorf("%+v is accepted", wrong)
			}
		}
	})
}

func TestEveryScope(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		paid := w.Paid("100.00", "paid")
		for _, scope := range party.AllScopes {
			key, _ := w.JSONKey(w.Shop, processor.NewKey{Scopes: party.Scopes(scope)})
			for needed, err := range map[party.Scope]error{
				party.ScopeHold: holdWith(w, key, "1.00"), party.ScopeRefund: refundWith(w, key, paid.ID, "1.00"),
			} {
				refused, ok := errors.AsType[*payment.CallError](err)
				switch {
				case scope == needed && err != nil:
					t.Errorf("a key for %s: %v", scope, err)
				case scope != needed && (!ok || refused.Code != payment.CallScopeMissing || refused.Scope != needed):
					t.Errorf("a key for %s may do what needs %s: %v", scope, needed, err)
				}
			}
		}
		w.CheckBooks()
	})
}

func TestTheLimitsOfAKey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		paid := w.Paid("500.00", "paid")
		key, _ := w.JSONKey(w.Shop, processor.NewKey{
			HoldLimit: holdfasttest.USD("50.00"), DayLimit: holdfasttest.USD("80.00"),
		})
		wantCallCode(w, holdWith(w, key, "50.01"), payment.CallHoldLimit)
		wantCallCode(w, refundWith(w, key, paid.ID, "50.01"), payment.CallHoldLimit)
		for _, err := range []error{holdWith(w, key, "50.00"), refundWith(w, key, paid.ID, "50.00")} {
			if err != nil {
				t.Error(err)
			}
		}
		// What is held and what is refunded count by themselves.
		wantCallCode(w, holdWith(w, key, "30.01"), payment.CallDayLimit)
		wantCallCode(w, refundWith(w, key, paid.ID, "30.01"), payment.CallDayLimit)
		for _, err := range []error{holdWith(w, key, "30.00"), refundWith(w, key, paid.ID, "30.00")} {
			if err != nil {
				t.Error(err)
			}
		}
		wantCallCode(w, holdWith(w, key, "1.00"), payment.CallDayLimit)
		// Another key of the caller has limits of its own.
		other, _ := w.JSONKey(w.Shop, processor.NewKey{DayLimit: holdfasttest.USD("80.00")})
		if err := holdWith(w, other, "80.00"); err != nil {
			t.Error(err)
		}
	})
}

// A hold that the network declines has used the day limit: a stolen key must not
// try cards for free. A repeated call does not count again.
func TestWhatADayLimitCounts(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		key, _ := w.JSONKey(w.Shop, processor.NewKey{DayLimit: holdfasttest.USD("100.00")})
		w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Decline: holdfast.CodeTransactionDenied})
		if err := holdWith(w, key, "40.00"); err != nil {
			t.Fatal(err)
		}
		h := hold(w, "40.00")
		for range 3 {
			if _, err := createHold(w, w.CallWith(key, "same", "POST /v1/holds", h), h); err != nil {
				t.Fatal(err)
			}
		}
		wantCallCode(w, holdWith(w, key, "20.01"), payment.CallDayLimit)
		if err := holdWith(w, key, "20.00"); err != nil {
			t.Error(err)
		}
	})
}

// A day begins at midnight of the caller's time. A clock that is put back does not
// give a day back.
func TestADayLimitOverMidnight(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		key, _ := w.JSONKey(w.Shop, processor.NewKey{DayLimit: holdfasttest.USD("10.00")})
		use := func(amount string) {
			t.Helper()
			if err := holdWith(w, key, amount); err != nil {
				t.Error(err)
			}
		}
		now := w.CallerNow()
		midnight := now.Truncate(24 * time.Hour).Add(24 * time.Hour)
		w.Clock.Advance(midnight.Sub(now) - time.Microsecond)
		use("10.00")
		wantCallCode(w, holdWith(w, key, "1.00"), payment.CallDayLimit)
		w.Clock.Advance(time.Microsecond)
		use("6.00")
		// The clock of the caller is moved, and the real day stays.
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		use("10.00")
		if _, err := w.Processor.ResetClock(t.Context(), w.Shop.ID); err != nil {
			t.Fatal(err)
		}
		wantCallCode(w, holdWith(w, key, "4.01"), payment.CallDayLimit)
		use("4.00")
	})
}

// However many calls come at once on two servers, no more is held than the day
// allows, and as much as it allows.
func TestADayLimitUnderConcurrency(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			other := processor.New(holdfasttest.Open(t, at), w.Processor.Config)
			t.Cleanup(other.Close)
			servers := []*processor.Processor{w.Processor, other}
			key, _ := w.JSONKey(w.Shop, processor.NewKey{DayLimit: holdfasttest.USD("10.00")})
			var asking sync.WaitGroup
			errs := make([]error, racers)
			for i := range racers {
				h := hold(w, "1.00")
				c := w.CallWith(key, fmt.Sprint("call-", i), "POST /v1/holds", h)
				asking.Go(func() { _, errs[i] = servers[i%2].CreateHold(t.Context(), w.Shop, c, h) })
			}
			asking.Wait()
			held := 0
			for _, err := range errs {
				if err == nil {
					held++
				} else {
					wantCallCode(w, err, payment.CallDayLimit)
				}
			}
			if held != 10 {
				t.Errorf("%d holds of $1.00 are made, and the day allows $10.00", held)
			}
			w.CheckBooks()
		})
	}
}

func TestAKeyExpires(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		key, _ := w.JSONKey(w.Shop, processor.NewKey{Life: time.Hour})
		// The sandbox clock does not end a key.
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, 48*time.Hour); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Hour - time.Microsecond)
		if err := holdWith(w, key, "1.00"); err != nil {
			t.Error(err)
		}
		w.Clock.Advance(time.Microsecond)
		if err := holdWith(w, key, "1.00"); !errors.Is(err, party.ErrKeyExpired) {
			t.Errorf("after its end: %v", err)
		}
	})
}

func TestRotateKey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		first, _ := w.JSONKey(w.Shop, processor.NewKey{
			Name: "shop", Scopes: "hold", HoldLimit: holdfasttest.USD("8.00"), DayLimit: holdfasttest.USD("10.00"),
			Life: 90 * 24 * time.Hour,
		})
		if err := holdWith(w, first, "7.00"); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Hour)
		old, second, text, err := w.Processor.RotateKey(t.Context(), first.ID, 2*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if sent, err := party.ParseKey(text); err != nil || second.Open(sent, w.Shop, w.Clock.Now()) != nil {
			t.Errorf("the new key does not open: %v", err)
		}
		now := processor.Micro(w.Clock.Now())
		if old != stored(w, first.ID) || old.ReplacedBy != second.ID || !old.Expires.Equal(now.Add(2*time.Hour)) {
			t.Errorf("the old key is %+v", old)
		}
		if second.Name != "shop" || second.Scopes != "hold" || second.HoldLimit != first.HoldLimit ||
			second.DayLimit != first.DayLimit || !second.Expires.Equal(now.Add(90*24*time.Hour)) ||
			stored(w, second.ID) != second {
			t.Errorf("the new key is %+v", second)
		}
		// Both work, and share the day.
		wantCallCode(w, holdWith(w, second, "3.01"), payment.CallDayLimit)
		for _, key := range []party.JSONKey{first, second} {
			if err := holdWith(w, key, "1.50"); err != nil {
				t.Error(err)
			}
		}
		wantCallCode(w, holdWith(w, first, "1.00"), payment.CallDayLimit)
		_, _, _, err = w.Processor.RotateKey(t.Context(), first.ID, time.Hour)
		w.WantCode(err, holdfast.InvalidParams)
		w.Clock.Advance(2 * time.Hour)
		if err := holdWith(w, first, "1.00"); !errors.Is(err, party.ErrKeyExpired) {
			t.Errorf("the old key after the overlap: %v", err)
		}
		// The chain goes on. An overlap does not make a key live longer.
		replaced, third, _, err := w.Processor.RotateKey(t.Context(), second.ID, 365*24*time.Hour)
		if err != nil || !replaced.Expires.Equal(second.Expires) {
			t.Errorf("the second key ends at %v, %v", replaced.Expires, err)
		}
		for _, id := range []party.JSONKeyID{first.ID, "J-unknown"} {
			_, _, _, err = w.Processor.RotateKey(t.Context(), id, time.Hour)
			w.WantCode(err, holdfast.InvalidParams)
		}
		_, _, _, err = w.Processor.RotateKey(t.Context(), third.ID, -1)
		w.WantCode(err, holdfast.InvalidParams)
	})
}

// A key that is revoked while a call is under way ends that call before it moves
// money, or after it has done so. Its repetition is refused in both cases.
func TestRevokeKey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		key, _ := w.JSONKey(w.Shop, processor.NewKey{})
		h := hold(w, "1.00")
		c := w.CallWith(key, "first", "POST /v1/holds", h)
		answers := make(chan struct{})
		w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Wait: answers})
		first, err := unanswered(w, func() (payment.Transaction, error) { return createHold(w, c, h) })
		if err != nil {
			t.Fatal(err)
		}
		revoked, err := w.Processor.RevokeKey(t.Context(), key.ID)
		if err != nil || revoked.Revoked.IsZero() || revoked != stored(w, key.ID) {
			t.Fatalf("revoked: %+v, %v", revoked, err)
		}
		close(answers) // what has begun comes to its end
		decided(w, first.ID, payment.StepAuthorize)
		w.WantState(first.ID, payment.Reserved)
		// The door has read the key a moment ago, and passes it on.
		for _, err := range []error{holdWith(w, key, "1.00"), func() error { _, err := createHold(w, c, h); return err }()} {
			if !errors.Is(err, party.ErrKeyRevoked) {
				t.Errorf("after the revocation: %v", err)
			}
		}
		other, _ := w.JSONKey(w.Shop, processor.NewKey{})
		c.Key = other
		if again, err := createHold(w, c, h); err != nil || again.ID != first.ID {
			t.Errorf("the same call with another key of the caller: %s, %v", again.ID, err)
		}
		w.Clock.Advance(time.Hour)
		if again, err := w.Processor.RevokeKey(t.Context(), key.ID); err != nil || again != revoked {
			t.Errorf("revoked again: %+v, %v", again, err)
		}
		_, err = w.Processor.RevokeKey(t.Context(), "J-unknown")
		w.WantCode(err, holdfast.InvalidParams)
	})
}

func TestTheLastUseOfAKey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		key, _ := w.JSONKey(w.Shop, processor.NewKey{})
		first := processor.Micro(w.Clock.Now())
		w.Processor.NoteKeyUse(key)
		waitUntil(w, func() bool { return stored(w, key.ID).LastUsed.Equal(first) })
		// Nothing is written for a minute: neither by this server, which remembers, nor
		// by one that has read the key.
		for range 59 {
			w.Clock.Advance(time.Second)
			w.Processor.NoteKeyUse(key)
			w.Processor.NoteKeyUse(stored(w, key.ID))
		}
		w.Clock.Advance(time.Second)
		second := processor.Micro(w.Clock.Now())
		w.Processor.NoteKeyUse(stored(w, key.ID))
		waitUntil(w, func() bool { return !stored(w, key.ID).LastUsed.Equal(first) })
		if got := stored(w, key.ID).LastUsed; !got.Equal(second) {
			t.Errorf("the last use is at %v, want %v", got, second)
		}
	})
}

// A key without a day limit writes nothing but its call.
func TestAKeyWithoutADayLimitCountsNothing(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		key, _ := w.JSONKey(w.Shop, processor.NewKey{HoldLimit: money.Cents(100_00)})
		if err := holdWith(w, key, "1.00"); err != nil {
			t.Fatal(err)
		}
		if err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			_, found, err := tx.KeyDay(payment.KeyDayOf(key, party.ScopeHold, w.CallerNow()))
			if found {
				t.Error("the day is counted")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// The text of a key is in no file of the store and in no line of the log.
func TestTheTextOfAKeyIsNotKept(t *testing.T) {
	t.Parallel()
	at := holdfasttest.Addresses(t)["SQLite"](t)
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
	var log bytes.Buffer
	config := w.Processor.Config
	config.IDs, config.Log = nil, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := processor.New(w.DB, config)
	t.Cleanup(p.Close)
	key, first, err := p.AddKey(t.Context(), w.Shop.ID, processor.NewKey{Name: "shop", Scopes: "hold"})
	if err != nil {
		t.Fatal(err)
	}
	_, next, second, err := p.RotateKey(t.Context(), key.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h := hold(w, "1.00")
	if _, err := p.CreateHold(t.Context(), w.Shop, w.CallWith(next, "call", "POST /v1/holds", h), h); err != nil {
		t.Fatal(err)
	}
	p.Close()
	files, err := filepath.Glob(at + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("the store has the files %q, %v", files, err)
	}
	kept := log.Bytes()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, text...)
	}
	if !bytes.Contains(kept, []byte(next.ID)) {
		t.Error("the key itself is not in the files: the test looks at the wrong place")
	}
	for _, text := range []string{first, second} {
		_, secret, _ := strings.Cut(strings.TrimPrefix(text, "hf_test_"), "_")
		if bytes.Contains(kept, []byte(secret[:20])) {
			t.Errorf("the secret of %s is kept", text)
		}
	}
}

// settleWith settles a part of a hold with a key, under a new idempotency key.
func settleWith(w *holdfasttest.World, key party.JSONKey, id holdfast.TransactionID, amount string) error {
	w.T.Helper()
	r := processor.SettleHold{Hold: id, Amount: holdfasttest.USD(amount)}
	c := w.CallWith(key, w.IDs.Other("call-"), "POST /v1/holds/"+string(id)+"/settle", r)
	_, err := w.Processor.SettleHold(w.T.Context(), w.Shop, c, r)
	return err
}

// Settles have a day limit of their own. A release gives money back, and no limit
// stops it.
func TestTheLimitsOfAKeyThatSettles(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		key, _ := w.JSONKey(w.Shop, processor.NewKey{
			Scopes: "settle", HoldLimit: holdfasttest.USD("30.00"), DayLimit: holdfasttest.USD("50.00"),
		})
		held := w.Reserved("200.00", "order")
		wantCallCode(w, settleWith(w, key, held.ID, "30.01"), payment.CallHoldLimit)
		if err := settleWith(w, key, held.ID, "30.00"); err != nil {
			t.Error(err)
		}
		wantCallCode(w, settleWith(w, key, held.ID, "20.01"), payment.CallDayLimit)
		if err := settleWith(w, key, held.ID, "20.00"); err != nil {
			t.Error(err)
		}
		wantCallCode(w, settleWith(w, key, held.ID, "1.00"), payment.CallDayLimit)
		wantCallCode(w, holdWith(w, key, "1.00"), payment.CallScopeMissing)
		for _, amount := range []string{"100.00", ""} {
			r := processor.ReleaseHold{Hold: held.ID}
			if amount != "" {
				r.Amount = holdfasttest.USD(amount)
			}
			c := w.CallWith(key, w.IDs.Other("call-"), "POST /v1/holds/"+string(held.ID)+"/release", r)
			if _, err := w.Processor.ReleaseHold(t.Context(), w.Shop, c, r); err != nil {
				t.Errorf("a release of %q: %v", amount, err)
			}
		}
		w.CheckBooks()
	})
}

// A raise counts with the hold that it raises.
func TestTheLimitPerHoldOfARaise(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		key, _ := w.JSONKey(w.Shop, processor.NewKey{HoldLimit: holdfasttest.USD("50.00")})
		token := w.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method})
		h := processor.CreateHold{Token: token, Amount: holdfasttest.USD("30.00")}
		held, err := createHold(w, w.CallWith(key, "hold", "POST /v1/holds", h), h)
		if err != nil {
			t.Fatal(err)
		}
		raise := func(amount string) error {
			r := processor.RaiseHold{Hold: held.ID, Amount: holdfasttest.USD(amount)}
			c := w.CallWith(key, w.IDs.Other("call-"), "POST /v1/holds/"+string(held.ID)+"/raise", r)
			_, err := w.Processor.RaiseHold(t.Context(), w.Shop, c, r)
			return err
		}
		wantCallCode(w, raise("20.01"), payment.CallHoldLimit)
		if err := raise("20.00"); err != nil {
			t.Error(err)
		}
		wantCallCode(w, raise("1.00"), payment.CallHoldLimit)
		w.CheckBooks()
	})
}
