package holdfasttest

import (
	"context"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// Members are the members of a test's console.
type Members struct {
	World *World
	all   []party.Membership
}

// Add makes a party with a role for a caller, or for the server if the caller is
// empty. It signs in with [Password].
func (m *Members) Add(role party.Role, caller party.CallerID) party.Party {
	m.World.T.Helper()
	whose := "server"
	if caller != "" {
		whose = strings.ToLower(string(caller))
	}
	p := m.World.Party(string(role)+" of "+whose, string(role)+"."+whose+"@example.test")
	m.all = append(m.all, party.Membership{Party: p.ID, Caller: caller, Role: role})
	return p
}

// AddLimited is Add for a member whose refunds have a limit.
func (m *Members) AddLimited(role party.Role, caller party.CallerID, limit money.Amount) party.Party {
	m.World.T.Helper()
	p := m.Add(role, caller)
	m.all[len(m.all)-1].RefundLimit = limit
	return p
}

// Of returns the roles of a party, as console.Server.Members does.
func (m *Members) Of(_ context.Context, id party.ID) ([]party.Membership, error) {
	return slices.DeleteFunc(slices.Clone(m.all), func(one party.Membership) bool { return one.Party != id }), nil
}
