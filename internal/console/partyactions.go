package console

import (
	"errors"
	"io"
	"net/http"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

func limitText(w webui.Words, a money.Amount) string {
	if !a.Given() {
		return w.T("console.parties.no-limit")
	}
	return w.Dollars(a)
}

// partyLink is the page of a party.
func partyLink(c *call, p party.Party) string { return c.link("parties/" + string(p.ID)) }

// partyConfirmation is the part that all questions about a party share.
func partyConfirmation(c *call, p party.Party, heading, lead string, f webui.Form) confirmation {
	return confirmation{
		Heading: heading, Lead: lead, Chip: standingChip(c.words, p), Form: f,
		Up: link{Label: partyName(c.words, p), Address: partyLink(c, p)},
		Facts: []fact{
			factOf(c.words.T("console.parties.name"), partyName(c.words, p)),
			factOf(c.words.T("console.parties.email"), p.Email),
			factOf(c.words.T("console.parties.key"), string(p.ID)),
		},
	}
}

// The standing that a party gets is in the form, so that a form that was sent late
// does not turn the change round.
const standingField = "standing"

func (s *Server) askStanding(c *call) error { return s.renderStanding(c, http.StatusOK, "") }

func (s *Server) renderStanding(c *call, status int, problem string) error {
	p, err := s.partyOf(c)
	if err != nil {
		return err
	}
	if payment.Erased(p) {
		return errNotThere
	}
	w := c.words
	heading, lead, to := w.T("console.parties.suspend"), w.T("console.parties.suspend-lead"), party.Suspended
	if p.Standing != party.Active {
		heading, lead, to = w.T("console.parties.reactivate"), w.T("console.parties.reactivate-lead"), party.Active
	}
	f := webui.Form{Submit: heading, Hidden: holdfast.Params{{Name: standingField, Value: string(to)}}}
	v := partyConfirmation(c, p, heading, lead, f)
	v.Problem = problem
	return s.confirm(c, status, v)
}

func (s *Server) setStanding(c *call) error {
	if _, err := c.once(); err != nil {
		return err
	}
	p, err := s.partyOf(c)
	if err != nil {
		return err
	}
	to, done := party.Standing(c.form.Get(standingField)), "console.done.party-suspended"
	switch to {
	case party.Active:
		done = "console.done.party-reactivated"
	case party.Suspended:
	case party.Closed:
		return errNotThere
	default:
		return webui.NewBadForm("there is no such standing")
	}
	_, err = s.Processor.Identity.ChangeParty(c.r.Context(), c.Party.ID, p.ID, func(p party.Party) (party.Party, error) {
		if payment.Erased(p) {
			return p, errNotThere
		}
		p.Standing = to
		return p, nil
	})
	if errors.Is(err, party.ErrLastOwner) {
		return s.renderStanding(c, http.StatusConflict, c.words.T("console.members.last-owner"))
	}
	if err != nil {
		return err
	}
	return c.did(done, partyLink(c, p))
}

func (s *Server) askPartySignOut(c *call) error {
	p, err := s.partyOf(c)
	if err != nil {
		return err
	}
	w := c.words
	heading := w.T("console.parties.sign-out")
	return s.confirm(c, http.StatusOK, partyConfirmation(c, p, heading, w.T("console.parties.sign-out-lead"),
		webui.Form{Submit: heading}))
}

func (s *Server) partySignOut(c *call) error {
	if _, err := c.once(); err != nil {
		return err
	}
	p, err := s.partyOf(c)
	if err != nil {
		return err
	}
	if _, err := s.Processor.SignOutParty(c.r.Context(), c.Party.ID, p.ID); err != nil {
		return err
	}
	return c.did("console.done.party-signed-out", partyLink(c, p))
}

// exportParty sends the personal data of a party as a file. It is no GET, because it
// writes an entry into the audit log.
func (s *Server) exportParty(c *call) error {
	p, err := s.partyOf(c)
	if err != nil {
		return err
	}
	return s.send(c, string(p.ID)+".json", "application/json", func(to io.Writer) error {
		return s.Processor.ExportParty(c.r.Context(), p.ID, to)
	})
}

func (s *Server) askErase(c *call) error {
	p, err := s.partyOf(c)
	if err != nil {
		return err
	}
	obstacles, err := s.Processor.EraseObstacles(c.r.Context(), p.ID)
	if err != nil {
		return err
	}
	if len(obstacles) > 0 {
		return s.showObstacles(c, http.StatusOK, p, obstacles)
	}
	w := c.words
	v := partyConfirmation(c, p, w.T("console.parties.erase"), w.T("console.parties.erase-lead"),
		webui.Form{Submit: w.T("console.parties.erase")})
	v.Danger, v.Note = true, w.T("console.parties.erase-note")
	return s.confirm(c, http.StatusOK, v)
}

func (s *Server) eraseParty(c *call) error {
	if _, err := c.once(); err != nil {
		return err
	}
	p, err := s.partyOf(c)
	if err != nil {
		return err
	}
	err = s.Processor.EraseParty(c.r.Context(), p.ID)
	if refused, ok := errors.AsType[*payment.EraseError](err); ok {
		if refused.Obstacles[0].Why == payment.ObstacleErased { // the form was sent twice
			return c.did("console.done.party-erased", partyLink(c, p))
		}
		return s.showObstacles(c, http.StatusConflict, p, refused.Obstacles)
	}
	if err != nil {
		return err
	}
	return c.did("console.done.party-erased", partyLink(c, p))
}

// showObstacles says why the personal data of a party cannot be erased, and until
// when.
func (s *Server) showObstacles(c *call, status int, p party.Party, obstacles []payment.Obstacle) error {
	w := c.words
	t := &table{
		Caption: w.T("console.parties.obstacles"),
		Columns: []column{
			{Label: w.T("console.parties.obstacle")},
			{Label: w.T("console.parties.object"), Shape: code},
			{Label: w.T("console.parties.amount"), Shape: number},
			{Label: w.T("console.parties.until")},
		},
	}
	for _, o := range obstacles {
		row := tableRow{Cells: []cell{text(obstacleWord(w, o.Why)), text(o.Object), {}, moment(o.Until)}}
		if o.Amount.Given() {
			row.Cells[2] = text(w.Dollars(o.Amount))
		}
		t.Rows = append(t.Rows, row)
	}
	return s.render(c, page{
		Status: status, Heading: w.T("console.parties.erase"), Lead: w.T("console.parties.cannot-erase"),
		Chip: standingChip(w, p), Up: link{Label: partyName(w, p), Address: partyLink(c, p)},
		Blocks: []block{{Heading: w.T("console.parties.obstacles"), Wide: true, Table: t}},
	})
}

func obstacleWord(w webui.Words, why payment.ObstacleKind) string {
	switch why {
	case payment.ObstacleErased:
		return w.T("console.parties.why.erased")
	case payment.ObstacleOpen:
		return w.T("console.parties.why.open")
	case payment.ObstacleBalance:
		return w.T("console.parties.why.balance")
	case payment.ObstacleInstrument:
		return w.T("console.parties.why.instrument")
	case payment.ObstacleCaller:
		return w.T("console.parties.why.caller")
	case payment.ObstacleMember:
		return w.T("console.parties.why.member")
	}
	return string(why)
}
