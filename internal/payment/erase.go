package payment

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// An EraseInput is what the erasure of a party's personal data depends on.
type EraseInput struct {
	Party         party.Party
	Open          []Transaction         // some of its open payments
	Sandbox, Live money.Amount          // its balances
	Filled        []AggregateInstrument // its prepaid and credit instruments with money on them
	Callers       []party.Caller        // that it owns
	Member        bool                  // it may work in the console
}

// An Obstacle is a reason why a party's personal data cannot be erased.
type Obstacle struct {
	Why    ObstacleKind
	Object string       // an id; empty for a balance
	Amount money.Amount // not given if none is meant
	Until  time.Time    // when it ends at the latest; zero if that depends on a person
}

// An ObstacleKind says what an obstacle is.
type ObstacleKind string

// The obstacles.
const (
	ObstacleErased     ObstacleKind = "erased"     // there is nothing left to erase
	ObstacleOpen       ObstacleKind = "open"       // an open payment
	ObstacleBalance    ObstacleKind = "balance"    // money in the account
	ObstacleInstrument ObstacleKind = "instrument" // money on a prepaid instrument, or a debt
	ObstacleCaller     ObstacleKind = "caller"     // it owns a caller
	ObstacleMember     ObstacleKind = "member"     // it works in the console
)

// Erased reports whether the party's personal data was erased.
func Erased(p party.Party) bool { return p.Standing == party.Closed && p.Email == "" }

// Obstacles are the reasons why the party's personal data cannot be erased now. There
// are none if it can.
func (in EraseInput) Obstacles() (all []Obstacle) {
	if Erased(in.Party) {
		return []Obstacle{{Why: ObstacleErased, Object: string(in.Party.ID)}}
	}
	for _, t := range in.Open {
		all = append(all, Obstacle{Why: ObstacleOpen, Object: string(t.ID), Amount: t.Amount, Until: t.Deadline})
	}
	for _, balance := range []money.Amount{in.Sandbox, in.Live} {
		if balance.Micro != 0 {
			all = append(all, Obstacle{Why: ObstacleBalance, Amount: balance})
		}
	}
	for _, a := range in.Filled {
		all = append(all, Obstacle{Why: ObstacleInstrument, Object: string(a.ID), Amount: a.Balance, Until: a.Expires})
	}
	for _, c := range in.Callers {
		all = append(all, Obstacle{Why: ObstacleCaller, Object: string(c.ID)})
	}
	if in.Member {
		all = append(all, Obstacle{Why: ObstacleMember, Object: string(in.Party.ID)})
	}
	return all
}

// An EraseError refuses the erasure of a party's personal data.
type EraseError struct{ Obstacles []Obstacle }

func (e *EraseError) Error() string {
	lines := make([]string, len(e.Obstacles))
	for i, o := range e.Obstacles {
		lines[i] = o.String()
	}
	return "the personal data cannot be erased: " + strings.Join(lines, "; ")
}

// String is the obstacle in words.
func (o Obstacle) String() string {
	text := ""
	switch o.Why {
	case ObstacleErased:
		return "it was erased before"
	case ObstacleOpen:
		text = fmt.Sprintf("the payment %s over %s is open", o.Object, o.Amount)
	case ObstacleBalance:
		text = fmt.Sprintf("there is a balance of %s", o.Amount)
	case ObstacleInstrument:
		text = fmt.Sprintf("there are %s on the instrument %s", o.Amount, o.Object)
	case ObstacleCaller:
		return fmt.Sprintf("the party owns the caller %s", o.Object)
	case ObstacleMember:
		return "the party may work in the console; remove it there first"
	}
	if !o.Until.IsZero() {
		text += ", until " + o.Until.UTC().Format(time.RFC3339) + " at the latest"
	}
	return text
}
