package holdfasttest

import (
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// Members are the members of a test's console.
type Members struct{ World *World }

// Add makes a party with a role for a caller, or for the server if the caller is
// empty. It signs in with [Password].
func (m *Members) Add(role party.Role, caller party.CallerID) party.Party {
	m.World.T.Helper()
	whose := "server"
	if caller != "" {
		whose = strings.ToLower(string(caller))
	}
	p := m.World.Party(string(role)+" of "+whose, string(role)+"."+whose+"@example.test")
	m.Appoint(p.ID, role, caller)
	return p
}

// AddLimited is Add for a member whose refunds have a limit.
func (m *Members) AddLimited(role party.Role, caller party.CallerID, limit money.Amount) party.Party {
	m.World.T.Helper()
	p := m.Add(role, caller)
	m.World.must("limiting a member", m.World.Processor.Identity.SetMember(m.World.T.Context(), "",
		party.Membership{Party: p.ID, Caller: caller, Role: role, RefundLimit: limit}))
	return p
}

// Appoint gives a party a role for a caller, or for the server if the caller is
// empty.
func (m *Members) Appoint(id party.ID, role party.Role, caller party.CallerID) {
	m.World.T.Helper()
	m.World.must("appointing a member", m.World.Processor.Identity.SetMember(m.World.T.Context(), "",
		party.Membership{Party: id, Caller: caller, Role: role}))
}

// Prove counts the second factor of a party as given in all its sessions.
func (m *Members) Prove(p party.Party) {
	m.World.T.Helper()
	m.World.must("proving sessions", m.World.DB.Update(m.World.T.Context(), func(tx *store.Tx) error {
		all, err := tx.SignedInAll(p.ID)
		for _, s := range all {
			if err == nil {
				err = tx.ProveSignedIn(p.ID, s.ID, m.World.Clock.Now())
			}
		}
		return err
	}))
}
