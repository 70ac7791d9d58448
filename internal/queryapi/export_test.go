package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Enter adds a request that never ends.
func (s *Server) Enter(c party.CallerID) { s.InFlight.Enter(string(c)) }

// ActionNames are the names of all actions.
func ActionNames() (names []string) {
	for _, a := range actions {
		names = append(names, a.name)
	}
	return names
}

// ClockParameters are those that move a caller's clock.
func ClockParameters() (names []string) {
	for _, p := range moveClock.parameters {
		names = append(names, p.name)
	}
	return names
}

// A Spelling is a name that programs use in place of the documented one.
type Spelling struct{ Action, Name, Also string }

// Spellings are all spellings in the tables of actions. Ignored parameters have
// none.
func Spellings() (all []Spelling) {
	for _, a := range actions {
		for _, s := range a.spellings {
			all = append(all, Spelling{a.name, a.name, s})
		}
		for _, p := range a.parameters {
			if p.aliasOf != "" && p.aliasOf != "-" {
				all = append(all, Spelling{a.name, p.aliasOf, p.name})
			}
		}
	}
	return all
}

// Since are the actions, and the actions with parameters, that a version added.
func Since(version string) (added, withParameters []string) {
	for _, a := range actions {
		if a.since == version {
			added = append(added, a.name)
		}
		for _, p := range a.parameters {
			if p.since == version {
				withParameters = append(withParameters, a.name+" "+p.name)
			}
		}
	}
	return added, withParameters
}

// ActionsWith are the actions that have a parameter.
func ActionsWith(parameter string) (names []string) {
	for _, a := range actions {
		for _, p := range a.parameters {
			if p.name == parameter {
				names = append(names, a.name)
			}
		}
	}
	return names
}

// A DocumentedAction is what docs/api says of an action by the tables here.
type DocumentedAction struct {
	Name, Since      string
	Parameters       []DocumentedParameter
	NoResult, Public bool
}

// A DocumentedParameter is one of its parameters.
type DocumentedParameter struct {
	Name, Since, Allowed, AliasOf string
	Required, List                bool
}

// DocumentedActions are all actions.
func DocumentedActions() (all []DocumentedAction) {
	for _, a := range actions {
		d := DocumentedAction{Name: a.name, Since: a.since, NoResult: a.noResult, Public: a.public}
		for _, p := range a.parameters {
			d.Parameters = append(d.Parameters, DocumentedParameter{
				Name: p.name, Since: p.since, Allowed: or(p.rule.form, p.rule.allowed),
				AliasOf: p.aliasOf, Required: p.required, List: p.list,
			})
		}
		all = append(all, d)
	}
	return all
}

// CommonParameters are those of every request.
func CommonParameters() []string { return common }

// SchemaOf is the schema of a version.
func SchemaOf(version string) []byte { return schemas[schemaPath(version)] }

// PretendReserve makes every Server answer Reserve with a transaction, without
// its Processor, until undo is called.
func PretendReserve(t payment.Transaction) (undo func()) {
	a, _ := actionNamed(reserve.name)
	answer := a.answer
	a.answer = func(_ *Server, _ context.Context, q *request, out *document) error {
		if _, err := paymentRequest(q.params); err != nil {
			return err
		}
		return q.transactionResult(t, nil, out)
	}
	return func() { a.answer = answer }
}

// ByClock are the actions whose answers depend on the caller's clock.
func ByClock() (names []string) {
	for _, a := range actions {
		if a.byClock {
			names = append(names, a.name)
		}
	}
	return names
}
