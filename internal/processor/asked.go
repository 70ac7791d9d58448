package processor

import (
	"errors"
	"fmt"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Asked is the request of a visit, with the parties and tokens that it names.
type Asked struct {
	Request payment.PipelineRequest // with only the methods that the payees accept
	Payees  []payment.Payee         // the parties to be paid; none in the Recipient pipeline
	Edited  payment.Token           // the token to edit; zero if there is none
}

// ReadAsked reads the request of a visit. It was well formed when the visit
// began. A token that was cancelled since is read like any other; the party
// sees the problem when it agrees.
func ReadAsked(tx *store.ReadTx, caller party.Caller, v payment.Visit) (Asked, error) {
	params, err := holdfast.ParseParams(v.Params)
	if err != nil {
		return Asked{}, fmt.Errorf("reading the request of visit %s: %w", v.ID, err)
	}
	r, end := payment.ReadPipeline(params)
	if end != nil {
		return Asked{}, fmt.Errorf("reading the request of visit %s: %w", v.ID, end)
	}
	a, err := askedOf(tx, caller, r)
	a.Request.Visit = v.ID
	return a, err
}

func askedOf(tx *store.ReadTx, caller party.Caller, r payment.PipelineRequest) (a Asked, err error) {
	recipients, payees := r.Recipients, tx.Unlocked("many visits read a shop; each payment with the token reads it again")
	if r.Edited != "" {
		if a.Edited, _, err = tx.Token(r.Edited); err != nil {
			return a, err
		}
		recipients = a.Edited.Recipients
	}
	for _, id := range recipients {
		payee := payment.Payee{Named: id}
		if payee.Token, payee.Found, err = payees.Token(id); err != nil {
			return a, err
		}
		if payee.Party, _, err = payees.Party(payee.Token.Recipient); err != nil {
			return a, err
		}
		a.Payees = append(a.Payees, payee)
	}
	if len(recipients) == 0 && r.Pays() {
		owner, found, err := payees.Party(caller.Owner)
		if err != nil || !found {
			return a, errors.Join(err, missing(found, "party", string(caller.Owner)))
		}
		a.Payees = []payment.Payee{{Party: owner}}
	}
	a.Request = r.TakenBy(a.Payees).At(caller.Network)
	return a, nil
}
