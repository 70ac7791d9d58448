package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// sandboxBankLast4 is of the one account that everybody has with the sandbox's
// bank. No account number is ever asked for.
const sandboxBankLast4 = "6789"

// bankRef is what the sandbox's network knows the account by.
const bankRef = "sandbox:bank"

// AddSandboxBank gives a party the test bank account that stands for bank
// debits in the sandbox; asked again, it is the same one. Where real money moves
// it is refused.
func (p *Processor) AddSandboxBank(ctx context.Context, sandbox bool, owner party.Party) (payment.Instrument, error) {
	if !sandbox {
		return payment.Instrument{}, holdfast.Errorf(holdfast.AccessFailure, "test bank accounts are the sandbox's")
	}
	bank := payment.Instrument{
		ID: payment.InstrumentID(p.ids().Other("I")), Owner: owner.ID, Method: holdfast.MethodACH,
		Brand: "Sandbox Bank", Last4: sandboxBankLast4, Holder: owner.Name, NetworkRef: bankRef, Verified: true,
		Created: p.now(),
	}
	err := p.Store.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.Instruments(owner.ID)
		if err != nil {
			return err
		}
		for _, i := range all {
			if i.Method == holdfast.MethodACH && i.NetworkRef == bank.NetworkRef {
				bank = i
				return nil
			}
		}
		return tx.InsertInstrument(bank)
	})
	return bank, err
}
