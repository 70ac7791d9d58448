package processor

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A Move is what the log has about an action that moved money, or tried to.
type Move struct {
	Caller      party.CallerID
	Reference   holdfast.CallerReference
	Transaction holdfast.TransactionID
	Amount      money.Amount
	State       payment.State
	Code        holdfast.StatusCode
}

// MoveOf describes a transaction after an action.
func MoveOf(t *payment.Transaction) Move {
	return Move{
		Caller: t.Caller, Reference: t.Reference, Transaction: t.ID, Amount: t.Current(), State: t.State, Code: t.StatusCode,
	}
}

// Log writes the line about an action that took a time. request is the id of
// the request, and empty for background work.
func (m Move) Log(ctx context.Context, log *slog.Logger, action, request string, took time.Duration) {
	if !log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	log.LogAttrs(ctx, slog.LevelInfo, "money moved",
		slog.String("action", action), slog.String("caller", string(m.Caller)),
		slog.String("reference", shownReference(string(m.Reference))),
		slog.String("transaction", string(m.Transaction)), slog.String("amount", m.Amount.String()),
		slog.String("result", string(m.State.Status())), slog.String("code", string(m.Code)),
		slog.Duration("took", took), slog.String("request", request))
}

// shownReference returns a reference for the log. Callers choose references, so
// one that may contain a card number or an e-mail address is left out. The
// transaction's id leads to it.
func shownReference(reference string) string {
	if strings.Contains(reference, "@") || party.LooksLikeCard(reference) {
		return "(hidden)"
	}
	return reference
}

// logMove writes the line about an action of the background.
func (p *Processor) logMove(action string, t *payment.Transaction, began time.Time) {
	if p.LogMoves {
		MoveOf(t).Log(context.Background(), p.Log, action, "", p.Now().Sub(began))
	}
}

// logOutcome writes the line about an outcome that no caller waited for, if it
// moved the transaction from its state before.
func (p *Processor) logOutcome(before payment.State, t *payment.Transaction, began time.Time) {
	if t.State != before {
		p.logMove(string(t.Operation()), t, began)
	}
}

// late is how long ago the deadline of a transaction was. It is zero if the
// caller's clock was moved, because the time then says nothing about the server.
func late(c *party.Caller, t *payment.Transaction, now time.Time) time.Duration {
	if c.ClockOffset != 0 || t.Deadline.IsZero() {
		return 0
	}
	return now.Sub(t.Deadline)
}

// logReturn writes the line about a prepaid balance that went back to its
// sender. Its reference is the instrument.
func (p *Processor) logReturn(before, after payment.AggregateInstrument, began time.Time) {
	if p.LogMoves {
		m := Move{
			Caller: before.Caller, Reference: holdfast.CallerReference(before.ID),
			Amount: before.Balance.Sub(after.Balance), State: payment.Success, Code: holdfast.CodeSuccess,
		}
		m.Log(context.Background(), p.Log, "ReturnBalance", "", p.Now().Sub(began))
	}
}
