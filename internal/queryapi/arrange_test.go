package queryapi_test

import (
	"database/sql"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// arrange reads lines such as
//
//	token A card=declining amount=12.50 reference=cart-1 type=MultiUse
//	token R use=Receive holder=PSELL caller=CMARKET fixed=1.00 variable=10
//	limit A Count 3 1_Month
//	prepaid G 100.00 balance=20.00
//	debt D 50.00
//	deposit CSHOP PANN 100.00
//	party PANN standing=Suspended email=no verified=no business=no sending=50.00 receiving=50.00
//	remove PANN visa
//	unverified PANN bank
//	patience 1s
//	parts A 42.50 10.00 2.50
func (w *world) arrange(text string) {
	w.t.Helper()
	for line := range strings.Lines(strings.TrimSpace(text)) {
		words := strings.Fields(line)
		kind, words := words[0], words[1:]
		switch kind {
		case "token":
			w.token(words[0], w.tokenOf(words[1:]))
		case "limit":
			w.limit(words)
		case "prepaid":
			w.aggregate(holdfast.MethodPrepaid, words)
		case "debt":
			w.aggregate(holdfast.MethodDebt, words)
		case "deposit":
			if err := w.p.Deposit(w.t.Context(), party.CallerID(words[0]), party.ID(words[1]), w.dollars(words[2])); err != nil {
				w.t.Fatal(err)
			}
		case "party":
			w.party(words)
		case "remove":
			w.update(func(tx *store.Tx) error {
				return tx.RemoveInstrument(party.ID(words[0]), payment.InstrumentID(words[1]))
			})
		case "unverified":
			w.instrument(payment.Instrument{
				Owner: party.ID(words[0]), ID: payment.InstrumentID(words[1]), Method: holdfast.MethodACH, Brand: "First Bank",
			})
		case "parts":
			w.parts(words)
		case "patience":
			d, err := time.ParseDuration(words[0])
			if err != nil {
				w.t.Fatal(err)
			}
			w.p.Wait = d
		default:
			w.t.Fatalf("a world has no %q", kind)
		}
	}
}

func (w *world) dollars(value string) money.Amount {
	w.t.Helper()
	amount, err := money.Parse(value, money.USD)
	if err != nil {
		w.t.Fatal(err)
	}
	return amount
}

// options reads words such as name=value, in which _ stands for a blank.
func (w *world) options(words []string, set func(name, value string) (known bool)) {
	w.t.Helper()
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if !set(name, strings.ReplaceAll(value, "_", " ")) {
			w.t.Fatalf("there is no option %q", name)
		}
	}
}

func (w *world) tokenOf(words []string) (t payment.Token) {
	w.t.Helper()
	texts := map[string]func(string){
		"card":       func(v string) { t.Instrument = payment.InstrumentID(v) },
		"amount":     func(v string) { t.Amount = w.dollars(v) },
		"bound":      func(v string) { t.AmountType = holdfast.AmountType(v) },
		"reference":  func(v string) { t.Reference = holdfast.CallerReference(v) },
		"reason":     func(v string) { t.Reason = v },
		"name":       func(v string) { t.FriendlyName = v },
		"caller":     func(v string) { t.Caller = party.CallerID(v) },
		"sender":     func(v string) { t.Sender = party.ID(v) },
		"holder":     func(v string) { t.Recipient = party.ID(v) },
		"recipient":  func(v string) { t.Recipient = party.ID(v) },
		"use":        func(v string) { t.Use = payment.TokenUse(v) },
		"type":       func(v string) { t.Type = holdfast.TokenType(v) },
		"aggregate":  func(v string) { t.Aggregate = payment.AggregateID(v) },
		"cancelled":  func(v string) { t.Cancelled = v == "yes" },
		"paysfee":    func(v string) { t.PaysFee = v == "yes" },
		"refund":     func(v string) { t.RefundToken = tokenID(v) },
		"old":        func(v string) { t.OldToken = tokenID(v) },
		"starts":     func(v string) { t.Starts = w.after(v) },
		"expires":    func(v string) { t.Expires = w.after(v) },
		"fixed":      func(v string) { w.ceiling(&t).Fixed = w.dollars(v) },
		"period":     func(v string) { t.Period = w.period(v) },
		"recipients": func(v string) { t.Recipients = append(t.Recipients, tokenID(v)) },
		"takes":      func(v string) { t.Methods = append(t.Methods, holdfast.PaymentMethod(v)) },
		"variable": func(v string) {
			rate, err := money.ParsePercent(v)
			if err != nil {
				w.t.Fatal(err)
			}
			w.ceiling(&t).Variable = rate
		},
	}
	w.options(words, func(name, value string) bool {
		set, known := texts[name]
		if known {
			set(value)
		}
		return known
	})
	return t
}

func (w *world) ceiling(t *payment.Token) *payment.FeeCeiling {
	if t.FeeCeiling == nil {
		t.FeeCeiling = &payment.FeeCeiling{Fixed: money.Micros(0)}
	}
	return t.FeeCeiling
}

// after is a time from now, such as "720h".
func (w *world) after(value string) time.Time {
	w.t.Helper()
	d, err := time.ParseDuration(value)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.clock().Add(d)
}

func (w *world) period(value string) payment.Period {
	w.t.Helper()
	p, ok := payment.ParsePeriod(value)
	if !ok {
		w.t.Fatalf("%q is no period", value)
	}
	return p
}

// limit adds a limit to a token: its kind, its value and, if it repeats, its
// period.
func (w *world) limit(words []string) {
	w.t.Helper()
	now := w.clock()
	l := payment.Limit{
		Scope: "CSHOP", Subject: string(tokenID(words[0])), Kind: payment.LimitKind(words[1]),
		Start: now, Window: now, UsedAmount: money.Micros(0),
	}
	if l.Kind == payment.LimitAmount {
		l.Value = w.dollars(words[2]).Micro
	} else {
		l.Value, _ = strconv.ParseInt(words[2], 10, 64)
	}
	if len(words) > 3 {
		l.Period = w.period(strings.ReplaceAll(words[3], "_", " "))
	}
	w.update(func(tx *store.Tx) error {
		already, err := tx.Limits(l.Scope, l.Subject)
		if err != nil {
			return err
		}
		l.Slot = len(already)
		return tx.InsertLimit(l)
	})
}

// aggregate adds a prepaid or a credit instrument with its limit.
func (w *world) aggregate(m holdfast.PaymentMethod, words []string) {
	w.t.Helper()
	a := payment.AggregateInstrument{
		ID: payment.AggregateID(words[0]), Caller: "CSHOP", Sender: "PANN", Recipient: "PSHOP", Method: m,
		Limit: w.dollars(words[1]), Installed: w.clock(), Balance: money.Micros(0), Pending: money.Micros(0),
	}
	w.options(words[2:], func(name, value string) bool {
		switch name {
		case "expires":
			a.Expires = w.after(value)
		case "caller":
			a.Caller = party.CallerID(value)
		case "sender":
			a.Sender = party.ID(value)
		case "recipient":
			a.Recipient = party.ID(value)
		default:
			return false
		}
		return true
	})
	w.update(func(tx *store.Tx) error { return tx.InsertAggregate(a) })
}

func (w *world) party(words []string) {
	w.t.Helper()
	w.change(words[0], func(p *party.Party) {
		w.options(words[1:], func(name, value string) bool {
			switch name {
			case "standing":
				p.Standing = party.Standing(value)
			case "email":
				p.EmailVerified = value == "yes"
			case "verified":
				p.Verified = value == "yes"
			case "business":
				p.Business = value == "yes"
			case "sending":
				p.SendingLimit = w.dollars(value)
			case "receiving":
				p.ReceivingLimit = w.dollars(value)
			default:
				return false
			}
			return true
		})
	})
}

// parts holds an amount with a token, settles a part of it, and releases another.
func (w *world) parts(words []string) {
	w.t.Helper()
	shop := party.Caller{ID: "CSHOP", Owner: "PSHOP", Sandbox: true}
	r, err := w.p.Reserve(w.t.Context(), shop, holdfast.ReserveRequest{
		SenderTokenID: tokenID(words[0]), TransactionAmount: w.dollars(words[1]), CallerReference: "parts",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	_, settled := w.p.SettleHold(w.t.Context(), shop, nil, processor.SettleHold{Hold: r.ID, Amount: w.dollars(words[2])})
	lower := processor.ReleaseHold{Hold: r.ID, Amount: w.dollars(words[3])}
	_, released := w.p.ReleaseHold(w.t.Context(), shop, nil, lower)
	if err := errors.Join(settled, released); err != nil {
		w.t.Fatal(err)
	}
}

// answers returns when every question to a network has an answer, except
// questions that never get one.
func (w *world) answers() {
	w.t.Helper()
	for open := true; open && w.t.Context().Err() == nil; runtime.Gosched() {
		err := w.db.View(w.t.Context(), func(tx *store.ReadTx) (err error) {
			open, err = tx.AttemptsDue(w.clock().Add(24 * time.Hour))
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// sql runs a statement on the world's SQLite file. It waits for what the server
// writes in the background.
func (w *world) sql(statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", w.address+"?_pragma=busy_timeout(10000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(w.t.Context(), statement); err != nil {
		w.t.Fatal(err)
	}
}
