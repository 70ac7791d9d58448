package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// buyersCount is the number of senders. Their cards approve everything.
const buyersCount = 100

// notifyURL makes each step write its notification. Nothing listens at this
// address.
const notifyURL = "http://127.0.0.1:9/ipn"

// A merchant is a caller of the bench with its access key.
type merchant struct {
	caller party.Caller
	owner  party.Party
	key    party.AccessKey
	// jsonKey is a key for the JSON API; empty unless the bench uses that.
	jsonKey string
}

// A buyer is a sender of the bench, with a card.
type buyer struct {
	party.Party
	card payment.Instrument
}

// A cast has the participants of a bench. If the store has one from an earlier
// bench, it is used again, so that a bench can continue with the earlier data.
type cast struct {
	merchants []merchant
	buyers    []buyer
}

// A casting makes a cast, in one transaction.
type casting struct {
	tx  *store.Tx
	ids processor.RandomIDs
	now time.Time

	jsonKeys bool // merchants get a key for the JSON API, too
}

func makeCast(
	ctx context.Context, db *store.DB, merchants int, jsonKeys bool, now func() time.Time,
) (c cast, err error) {
	err = db.Update(ctx, func(tx *store.Tx) error {
		c = cast{}
		making := casting{
			tx: tx, ids: processor.RandomIDs{Now: now}, now: processor.Micro(now()), jsonKeys: jsonKeys,
		}
		for i := range merchants {
			m, err := making.merchant(strconv.Itoa(i))
			if err != nil {
				return fmt.Errorf("making merchant %d: %w", i, err)
			}
			c.merchants = append(c.merchants, m)
		}
		for i := range buyersCount {
			b, err := making.buyer(i)
			if err != nil {
				return fmt.Errorf("making buyer %d: %w", i, err)
			}
			c.buyers = append(c.buyers, b)
		}
		return nil
	})
	return c, err
}

// PretendSecret signs the requests of all merchants of a bench with
// [Bench.Pretend]. Such a server needs to know nothing else.
const PretendSecret = "a secret of nobody"

func pretendCast(merchants int) (c cast) {
	for i := range merchants {
		c.merchants = append(c.merchants, merchant{
			key: party.AccessKey{ID: fmt.Sprintf("HFPRETEND%011d", i), Secret: holdfast.NewSecretKey(PretendSecret)},
		})
	}
	return c
}

// merchant finds or makes a merchant and gives it a new key, because the
// secrets of older keys are lost.
func (c casting) merchant(name string) (merchant, error) {
	owner, _, err := c.party("Bench Merchant "+name, "merchant-"+name+"@bench.example", true)
	if err != nil {
		return merchant{}, err
	}
	callers, err := c.tx.CallersOf(owner.ID)
	if err != nil {
		return merchant{}, err
	}
	if len(callers) == 0 {
		made := party.Caller{
			ID: party.CallerID(c.ids.Other("C")), Owner: owner.ID, Name: owner.Name, IPNURL: notifyURL, Sandbox: true,
			Created: c.now,
		}
		if err := c.tx.InsertCaller(made); err != nil {
			return merchant{}, err
		}
		callers = append(callers, made)
	}
	key := party.AccessKey{
		ID: "HF" + strings.ToUpper(c.ids.Secret(18)), Secret: holdfast.NewSecretKey(c.ids.Secret(40)), Caller: callers[0].ID,
		Name: "Bench", Created: c.now,
	}
	m := merchant{caller: callers[0], owner: owner, key: key}
	if err := c.tx.InsertAccessKey(key); err != nil || !c.jsonKeys {
		return m, err
	}
	m.jsonKey, err = c.jsonKey(m.caller)
	return m, err
}

// jsonKey makes a key for the JSON API, as Processor.AddKey does.
func (c casting) jsonKey(caller party.Caller) (text string, err error) {
	id := party.JSONKeyID(c.ids.Other("J"))
	text, hash := party.KeyText(id, c.ids.Secret(party.KeySecretSize), caller)
	if err := c.tx.StartEvents(caller.ID, c.now); err != nil {
		return "", err
	}
	return text, c.tx.InsertJSONKey(party.JSONKey{
		ID: id, Caller: caller.ID, Hash: hash, Name: "Bench", Scopes: party.Scopes(party.ScopeHold), Chain: id,
		Created: c.now,
	})
}

func (c casting) buyer(i int) (buyer, error) {
	sender, isNew, err := c.party(fmt.Sprintf("Bench Buyer %d", i), fmt.Sprintf("buyer-%d@bench.example", i), false)
	if err != nil {
		return buyer{}, err
	}
	if !isNew {
		all, err := c.tx.Instruments(sender.ID) // the default first
		if err == nil && len(all) == 0 {
			err = fmt.Errorf("%s has no card", sender.Email)
		}
		if err != nil {
			return buyer{}, err
		}
		return buyer{sender, all[0]}, nil
	}
	approving := sandbox.Cards()[0]
	instrument := payment.Instrument{
		ID: payment.InstrumentID(c.ids.Other("I")), Owner: sender.ID, Method: holdfast.MethodCC, Brand: approving.Brand,
		Last4: approving.Number[len(approving.Number)-4:], Holder: sender.Name, ExpiryMonth: 12, ExpiryYear: c.now.Year() + 5,
		NetworkRef: approving.Ref(), Default: true, Verified: true, Created: c.now,
	}
	return buyer{sender, instrument}, c.tx.InsertInstrument(instrument)
}

// party finds or makes a party without a password.
func (c casting) party(name, email string, business bool) (p party.Party, isNew bool, err error) {
	p, known, err := c.tx.PartyByEmail(email)
	if err != nil || known {
		return p, false, err
	}
	p = party.Party{
		ID: party.ID(c.ids.Other("P")), Name: name, Email: email, EmailVerified: true,
		Standing: party.Active, Business: business, Verified: true, Created: c.now,
	}
	if _, err := c.tx.InsertParty(p); err != nil {
		return p, true, err
	}
	return p, true, c.tx.InsertInstrument(payment.Instrument{
		ID: payment.InstrumentID(c.ids.Other("I")), Owner: p.ID, Method: holdfast.MethodABT,
		Brand: "Balance", Holder: name, Verified: true, Created: c.now,
	})
}
