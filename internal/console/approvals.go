package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// approvalRoutes are the pages of actions that wait for a second member. Each member
// may read them; the processor asks what a decision needs.
func (s *Server) approvalRoutes() []route {
	return []route{
		{
			Method: get, Path: "approvals", In: ofCaller, Permission: party.MayRead, Nav: "console.approvals.nav",
			show: s.showApprovals,
		},
		{Method: get, Path: "approvals/{approval}", In: ofCaller, Permission: party.MayRead, show: s.showApproval},
		{Method: post, Path: "approvals/{approval}/approve", In: ofCaller, Permission: party.MayActOnHolds, show: s.approve},
		{Method: post, Path: "approvals/{approval}/decline", In: ofCaller, Permission: party.MayActOnHolds, show: s.decline},
	}
}

// askApproval keeps what a member wants to do, which is above the caller's limit.
func (s *Server) askApproval(
	c *call, action payment.Action, of processor.Case, v wish, needed *processor.ApprovalNeededError,
) error {
	a := party.Approval{
		Caller: c.caller.ID, Action: party.ApproveSettle, Object: string(of.ID()), Amount: needed.Amount,
	}
	if action == payment.ActRefund {
		a.Action = party.ApproveRefund
	}
	a, err := s.Processor.AskApproval(c.r.Context(), needed.Call, a, processor.Wanted{
		Hold: of.IsHold(), Final: v.rest == releaseRest, Reason: v.reason,
	})
	if err != nil {
		return err
	}
	return c.did("console.done.approval-asked", c.link("approvals/"+url.PathEscape(string(a.ID))))
}

const approvalsShown = 50

// A knownApproval is an approval with the people of it.
type knownApproval struct {
	party.Approval
	asked, decided party.Party
	wanted         processor.Wanted
	approvers      []party.Party // that may still approve; only on its own page
}

// approversShown is how many members a page names that may approve.
const approversShown = 10

// mayApprove names the members who may approve.
func (k knownApproval) mayApprove(w webui.Words) string {
	var names []string
	for _, p := range k.approvers[:min(len(k.approvers), approversShown)] {
		names = append(names, p.Email)
	}
	said := strings.Join(names, ", ")
	switch more := len(k.approvers) - len(names); {
	case len(names) == 0:
		return w.T("console.approvals.no-approvers")
	case more > 0:
		return w.T("console.approvals.more-approvers", "Names", said, "More", w.Count(int64(more)))
	}
	return said
}

// askedBy names the member who has asked. If a command has asked, it names the user of
// the machine.
func (k knownApproval) askedBy(w webui.Words) string {
	if k.AskedBy == "" {
		return w.T("console.approvals.by-command", "User", k.wanted.By)
	}
	return k.asked.Email
}

// decidedBy names the member who has decided. A command is not named.
func (k knownApproval) decidedBy(w webui.Words) string {
	if k.DecidedBy == "" {
		return w.T("mail-approval.operator")
	}
	return k.decided.Email
}

func readPeople(tx *store.ReadTx, a party.Approval) (k knownApproval, err error) {
	k.Approval = a
	if k.wanted, err = processor.WantedIn(a); err != nil {
		return k, err
	}
	if k.asked, _, err = tx.Party(a.AskedBy); err != nil || a.DecidedBy == "" {
		return k, err
	}
	k.decided, _, err = tx.Party(a.DecidedBy)
	return k, err
}

func (s *Server) showApprovals(c *call) error {
	var all []knownApproval
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		read, err := tx.Approvals(c.caller.ID, party.ApprovalID(c.form.Get("before")), approvalsShown+1)
		if err != nil {
			return err
		}
		for _, a := range read {
			k, err := readPeople(tx, a)
			if err != nil {
				return err
			}
			all = append(all, k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w := c.words
	t := &table{Empty: w.T("console.approvals.none"), Columns: []column{
		{Label: w.T("console.approvals.asked-at")},
		{Label: w.T("console.approvals.what")},
		{Label: w.T("console.case.amount"), Shape: number},
		{Label: w.T("console.approvals.asked-by")},
		{Label: w.T("console.approvals.state")},
	}}
	if len(all) > approvalsShown {
		all = all[:approvalsShown]
		t.Older = c.same("before", string(all[len(all)-1].ID))
	}
	for _, a := range all {
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			{Time: a.AskedAt, Address: c.link("approvals/" + url.PathEscape(string(a.ID))), Of: a.Object},
			{Text: approvalWord(w, a.Action), Detail: a.payment()},
			text(a.amount(w)), text(a.askedBy(w)),
			state(approvalChip(c, a.Approval)),
		}})
	}
	return s.render(c, page{
		Heading: w.T("console.approvals.nav"), Lead: approvalsLead(c), Blocks: []block{{Table: t, Wide: true}},
	})
}

func approvalsLead(c *call) string {
	if !c.caller.ApproveAbove.Given() {
		return c.words.T("console.approvals.off")
	}
	return c.words.T("console.approvals.lead", "Amount", c.words.Dollars(c.caller.ApproveAbove))
}

func approvalWord(w webui.Words, a party.ApprovalAction) string {
	switch a {
	case party.ApproveRefund:
		return w.T("console.act.refund")
	case party.ApproveLimit:
		return w.T("console.approvals.limit")
	case party.ApproveSettle:
	}
	return w.T("console.act.settle")
}

// payment is the payment that the approval is about. It is empty for a limit.
func (k knownApproval) payment() string {
	if k.Action == party.ApproveLimit {
		return ""
	}
	return k.Object
}

// amount is what would move, or the new limit.
func (k knownApproval) amount(w webui.Words) string {
	if k.Action == party.ApproveLimit {
		return limitWord(w, k.Limit())
	}
	return w.Dollars(k.Amount)
}

func limitWord(w webui.Words, limit money.Amount) string {
	if !limit.Given() {
		return w.T("console.approvals.no-limit")
	}
	return w.Dollars(limit)
}

// about are the facts of what would happen.
func (k knownApproval) about(c *call) []fact {
	w := c.words
	if k.Action == party.ApproveLimit {
		return []fact{
			factOf(w.T("console.approvals.limit-now"), limitWord(w, c.caller.ApproveAbove)),
			factOf(w.T("console.approvals.new-limit"), k.amount(w)),
		}
	}
	return []fact{
		{w.T("console.approvals.object"), cell{Text: k.Object, Address: caseAddress(c.caller.ID, k.Object)}},
		factOf(w.T("console.case.amount"), k.amount(w)),
	}
}

func approvalChip(c *call, a party.Approval) chip {
	w := c.words
	switch {
	case a.State == party.ApprovalApproved:
		return chip{w.T("console.approvals.approved"), good}
	case a.State == party.ApprovalDeclined:
		return chip{w.T("console.approvals.declined"), quiet}
	case a.State == party.ApprovalUnneeded:
		return chip{w.T("console.approvals.unneeded"), quiet}
	case a.Open(c.real):
		return chip{w.T("console.approvals.waits"), wait}
	}
	return chip{w.T("console.approvals.over"), quiet}
}

// approval reads the approval that the path names.
func (s *Server) approval(c *call) (a knownApproval, err error) {
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		read, found, err := tx.Approval(c.caller.ID, party.ApprovalID(c.r.PathValue("approval")))
		if err == nil && !found {
			err = errNotThere
		}
		if err != nil {
			return err
		}
		if a, err = readPeople(tx, read); err != nil || !read.Open(c.real) {
			return err
		}
		a.approvers, err = identity.MembersThat(tx, read.Caller, read.MayBeApprovedBy)
		return err
	})
	return a, err
}

func (s *Server) showApproval(c *call) error { return s.renderApproval(c, http.StatusOK, "") }

func (s *Server) renderApproval(c *call, status int, problem string) error {
	a, err := s.approval(c)
	if err != nil {
		return err
	}
	w := c.words
	b := block{Facts: append(
		a.about(c),
		factOf(w.T("console.approvals.asked-by"), a.askedBy(w)),
		fact{w.T("console.approvals.asked-at"), moment(a.AskedAt)},
	)}
	decided := a.State != party.ApprovalAsked && a.State != party.ApprovalLapsed
	if !decided {
		b.Facts = append(b.Facts, fact{w.T("console.approvals.until"), moment(a.Until())})
	}
	if a.Open(c.real) {
		b.Facts = append(b.Facts, factOf(w.T("console.approvals.approvers"), a.mayApprove(w)))
	}
	b.Facts = append(b.Facts, wantedFacts(w, a)...)
	if decided {
		b.Facts = append(
			b.Facts,
			factOf(w.T("console.approvals.decided-by"), a.decidedBy(w)),
			fact{w.T("console.approvals.decided-at"), moment(a.DecidedAt)},
		)
	}
	mine := a.AskedBy == c.Party.ID
	if a.Open(c.real) && c.may(a.Action.Permission()) {
		at := c.link("approvals/" + url.PathEscape(string(a.ID)))
		decline := button{Label: w.T("console.approvals.decline"), Action: at + "/decline", Danger: true}
		if mine {
			b.Note, decline.Label = w.T("console.approvals.own"), w.T("console.approvals.withdraw")
		} else {
			b.Buttons = []button{{Label: w.T("console.approvals.approve"), Action: at + "/approve"}}
		}
		b.Buttons = append(b.Buttons, decline)
	}
	return s.render(c, page{
		Status: status, Heading: approvalWord(w, a.Action), Chip: approvalChip(c, a.Approval), Alert: problem,
		Up:     link{Label: w.T("console.approvals.nav"), Address: c.link("approvals")},
		Blocks: []block{b},
	})
}

// wantedFacts are the further choices of the member that asked.
func wantedFacts(w webui.Words, a knownApproval) (facts []fact) {
	if a.Action == party.ApproveSettle {
		rest := w.T("console.act.keep")
		if a.wanted.Final {
			rest = w.T("console.act.release-rest")
		}
		facts = append(facts, factOf(w.T("console.act.rest"), rest))
	}
	if a.wanted.Reason != "" {
		facts = append(facts, factOf(w.T("console.act.note"), a.wanted.Reason))
	}
	return facts
}

func (s *Server) approve(c *call) error {
	id := party.ApprovalID(c.r.PathValue("approval"))
	all, err := s.Processor.Approve(c.r.Context(), c.caller, id, c.Party.ID)
	if err == nil {
		return c.did(outcome("console.done.approved", all...), c.link("approvals/"+url.PathEscape(string(id))))
	}
	return s.decisionProblem(c, err)
}

func (s *Server) decline(c *call) error {
	id := party.ApprovalID(c.r.PathValue("approval"))
	if err := s.Processor.DeclineApproval(c.r.Context(), c.caller.ID, id, c.Party.ID); err != nil {
		return s.decisionProblem(c, err)
	}
	return c.did("console.done.approval-declined", c.link("approvals/"+url.PathEscape(string(id))))
}

// decisionProblem shows the approval again, with the reason why a decision was
// refused.
func (s *Server) decisionProblem(c *call, err error) error {
	w := c.words
	limit, limited := errors.AsType[*processor.RefundLimitError](err)
	message, refused := refusalOf(err)
	switch {
	case errors.Is(err, party.ErrApprovalDecided):
		return s.renderApproval(c, http.StatusConflict, w.T("console.approvals.decided"))
	case errors.Is(err, party.ErrOwnApproval):
		return s.renderApproval(c, http.StatusForbidden, w.T("console.approvals.own"))
	case errors.Is(err, party.ErrApprovalOver):
		return s.renderApproval(c, http.StatusConflict, w.T("console.approvals.over-long"))
	case limited:
		return s.renderApproval(c, http.StatusForbidden, w.T("console.act.limit", "Amount", w.Dollars(limit.Limit)))
	case refused:
		return s.renderApproval(c, http.StatusUnprocessableEntity, w.T("console.act.refused", "Message", message))
	}
	return err
}
