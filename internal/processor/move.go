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
