package console

import (
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A lack is something that a caller needs before its first payment: it is missing, or
// nobody has tried it yet.
type lack struct {
	what    string
	tone    tone
	command string // that puts it right
	address string // of the page that puts it right
}

// lacks says what is missing before the first payment of a caller. account is its
// account at a card network.
func (s *Server) lacks(
	tx *store.ReadTx, c *call, caller party.Caller, owner party.Party, account payment.NetworkAccount,
) (all []lack, err error) {
	w := c.words
	add := func(t tone, id, address, command string) {
		all = append(all, lack{what: w.T(id), tone: t, address: address, command: command})
	}
	page := func(path string) string { return callerLink(caller.ID, path) }
	keys, err := hasKey(tx, c, caller.ID)
	if err != nil {
		return nil, err
	}
	if !keys {
		add(wrong, "console.lacks.key", page("keys"), "")
	}
	if owner.Standing != party.Active {
		add(wrong, "console.lacks.owner", "", "holdfast party set --email "+owner.Email+" --standing Active")
	}
	if account.ID != "" {
		if account.Stopped != "" {
			add(wrong, "console.lacks.refused", "", "holdfast network set "+account.Name+" --key-file FILE")
		}
		if account.Mode == payment.NetworkLive && !s.System().Live {
			add(wrong, "console.lacks.restart", "", "")
		}
		if account.EventsSeen.IsZero() {
			add(wait, "console.lacks.events", "", "holdfast network check "+account.Name+" --ring")
		}
	}
	if caller.IPNURL == "" {
		endpoints, err := tx.Endpoints(caller.ID)
		if err != nil {
			return nil, err
		}
		if len(endpoints) == 0 {
			add(wait, "console.lacks.told", page("settings"), "")
		}
	}
	if caller.WarningMails && !owner.EmailVerified {
		add(wait, "console.lacks.email", "", "")
	}
	return all, nil
}

// hasKey reports whether a caller has a key that works.
func hasKey(tx *store.ReadTx, c *call, id party.CallerID) (bool, error) {
	signing, err := tx.AccessKeysOf(id)
	if err != nil {
		return false, err
	}
	for _, k := range signing {
		if viewAccessKey(k, c.real).works() {
			return true, nil
		}
	}
	bearer, err := tx.JSONKeysOf(id)
	for _, k := range bearer {
		if viewJSONKey(k, c.real).works() {
			return true, nil
		}
	}
	return false, err
}

func lacksBlock(c *call, missing []lack) block {
	w := c.words
	b := block{Heading: w.T("console.lacks.heading"), ID: "missing"}
	for _, m := range missing {
		word := w.T("console.lacks.missing")
		if m.tone == wait {
			word = w.T("console.lacks.look")
		}
		b.Facts = append(b.Facts, fact{word, cell{
			Text: m.what, Address: m.address, Detail: m.command,
		}})
	}
	return b
}
