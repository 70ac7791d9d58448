package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// sandboxBankLast4 ends the number of the sandbox's one bank account, which all
// parties share. No page asks for an account number.
const sandboxBankLast4 = "6789"

// bankRef is the sandbox network's name for the account.
const bankRef = "sandbox:bank"

// AddSandboxBank adds the test bank account, which stands for bank debits in
// the sandbox. If the party has it already, AddSandboxBank returns it. For real
// money it is refused.
func (p *Processor) AddSandboxBank(ctx context.Context, sandbox bool, owner party.Party) (payment.Instrument, error) {
	if !sandbox {
		return payment.Instrument{}, holdfast.Errorf(holdfast.AccessFailure, "test bank accounts exist only in the sandbox")
	}
	bank := payment.Instrument{
		ID: payment.InstrumentID(p.ids().Other("I")), Owner: owner.ID, Method: holdfast.MethodACH,
		Brand: "Sandbox Bank", Last4: sandboxBankLast4, Holder: owner.Name, NetworkRef: bankRef, Verified: true,
		Created: p.now(),
	}
	err := p.db.Update(ctx, func(tx *store.Tx) error {
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
