package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// networkRoutes are the choice and the test of a caller's account at a card network.
func (s *Server) networkRoutes() []route {
	return []route{
		{
			Method: post, Path: "settings/network/test", In: ofCaller, Permission: party.MayTestNetwork,
			show: s.testNetwork,
		},
		{
			Method: get, Path: "settings/network", In: ofCaller, Permission: party.MayChooseNetwork,
			show: s.askNetworkAccount,
		},
		{
			Method: post, Path: "settings/network", In: ofCaller, Permission: party.MayChooseNetwork,
			show: s.chooseNetworkAccount,
		},
	}
}

// A NetworkTest is the answer of a card network about an account. It has no secret.
type NetworkTest struct {
	Failed   bool // the network could not be asked
	Mode     payment.NetworkMode
	Clock    time.Duration // how far the clock of this server is ahead
	Missing  []string      // rights that the key lacks
	Problems []string      // in English, as the command network check says them
}

// An accountState is what the store knows of an account at a card network.
type accountState struct {
	store.NetworkHealth
	open store.Waiting // questions without an answer
}

func (a *accountState) read(tx *store.ReadTx, id payment.NetworkAccountID, real time.Time) (err error) {
	if a.NetworkHealth, err = tx.NetworkHealth(id); err != nil {
		return err
	}
	a.open, err = tx.OpenQuestions(id, real)
	return err
}

// accountBlock shows the network account of the caller, whether the network takes its
// key, and when it has last answered.
func (s *Server) accountBlock(c *call, a payment.NetworkAccount, known accountState) block {
	w := c.words
	b := block{Heading: w.T("console.settings.network")}
	if to := c.reach("settings/network"); to != "" {
		b.Links = []link{{Label: w.T("console.network.change"), Address: to}}
	}
	if a.ID == "" {
		b.Text = w.T("console.settings.no-network")
		return b
	}
	b.Facts = []fact{
		factOf(w.T("console.callers.name"), a.Name), factOf(w.T("console.settings.caller-id"), string(a.ID)),
		factOf(w.T("console.settings.kind"), string(a.Kind)),
		{w.T("console.callers.mode"), state(liveChip(w, a.Mode != payment.NetworkLive))},
		{w.T("console.notices.state"), cell{Chip: accountChip(c, a, known), Detail: a.Stopped}},
		{w.T("console.network.answered"), momentOr(known.Answered, w.T("console.keys.never"))},
	}
	failed := momentOr(known.Failed, w.T("console.keys.never"))
	failed.Detail = known.Failure
	open := text(w.T("console.network.none-open"))
	if known.open.Rows > 0 {
		open = cell{
			Text:   w.Count(int64(known.open.Rows)),
			Detail: w.T("console.network.oldest", "Span", span(w, known.open.Oldest)),
		}
	}
	b.Facts = append(b.Facts,
		fact{w.T("console.network.failed"), failed}, fact{w.T("console.network.open"), open},
		fact{w.T("console.settings.events-seen"), momentOr(a.EventsSeen, w.T("console.keys.never"))},
	)
	b.Note = w.T("console.network.command", "Command", "holdfast network check "+a.Name)
	if s.TestNetwork != nil && c.may(party.MayTestNetwork) {
		b.Buttons = []button{{Label: w.T("console.network.test"), Action: c.link("settings/network/test")}}
	}
	return b
}

// accountChip says in a word how the account does.
func accountChip(c *call, a payment.NetworkAccount, known accountState) chip {
	w := c.words
	switch {
	case a.Stopped != "":
		return chip{w.T("console.settings.refused"), wrong}
	case !known.Failed.IsZero() && !known.Failed.Before(known.Answered):
		return chip{w.T("console.network.fails"), wait}
	case known.Answered.IsZero():
		return chip{w.T("console.network.untried"), quiet}
	}
	return chip{w.T("console.settings.works"), good}
}

// testNetwork asks the network about the caller's account, and shows what it says. It
// changes nothing.
func (s *Server) testNetwork(c *call) error {
	if c.caller.Network == "" || s.TestNetwork == nil {
		return errNotThere
	}
	var account payment.NetworkAccount
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		account, _, err = tx.NetworkAccountSettings(c.caller.Network)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	p := page{
		Heading: w.T("console.network.tested", "Name", account.Name),
		Up:      link{Label: w.T("console.settings.heading"), Address: c.link("settings")},
	}
	t, err := s.TestNetwork(c.r.Context(), account.ID)
	if problem := c.refusal(err); problem != "" {
		p.Status, p.Alert = http.StatusConflict, problem
		return s.render(c, p)
	}
	if err != nil {
		return err
	}
	p.Lead = w.T("console.as-of", "Time", c.second(c.real))
	p.Chip = chip{w.T("console.settings.works"), good}
	if len(t.Problems) > 0 {
		p.Chip = chip{w.T("console.network.problems"), wrong}
	}
	if t.Failed {
		p.Chip = chip{w.T("console.network.no-answer"), wrong}
		p.Alert = w.T("console.network.not-asked")
	}
	rights := w.T("console.network.all-rights")
	if len(t.Missing) > 0 {
		rights = w.T("console.network.lacking", "Rights", strings.Join(t.Missing, ", "))
	}
	b := block{Note: w.T("console.network.command", "Command", "holdfast network check "+account.Name+" --ring")}
	if !t.Failed {
		b.Facts = []fact{
			{w.T("console.callers.mode"), state(liveChip(w, t.Mode != payment.NetworkLive))},
			factOf(w.T("console.network.rights"), rights),
			factOf(w.T("console.network.clock"), t.Clock.Round(time.Second).String()),
		}
	}
	for _, problem := range t.Problems {
		b.Facts = append(b.Facts, factOf(w.T("console.network.problem"), problem))
	}
	p.Blocks = []block{b}
	return s.render(c, p)
}
