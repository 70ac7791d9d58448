package console

import (
	"errors"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// settleFields choose what happens to the rest of a hold.
func settleFields(w webui.Words, of processor.Case) []webui.Field {
	f := webui.Field{Name: "rest", Label: w.T("console.act.rest"), MayBeEmpty: true}
	for _, p := range of.Possible {
		if p.Action == payment.ActSettlePart && p.OK() {
			f.Options = append(f.Options, webui.Option{Label: w.T("console.act.keep")})
		}
	}
	f.Options = append(f.Options, webui.Option{Value: releaseRest, Label: w.T("console.act.release-rest")})
	return []webui.Field{f}
}

func reasonFields(w webui.Words, _ processor.Case) []webui.Field {
	return []webui.Field{{Name: "reason", Label: w.T("console.act.reason"), Optional: true, Autocomplete: "off"}}
}

func describeFields(w webui.Words, _ processor.Case) []webui.Field {
	return []webui.Field{{Name: "reason", Label: w.T("console.act.note"), Optional: true, Autocomplete: "off"}}
}

// by is the call of the member that has sent a form.
func (v wish) by(action payment.Action, of processor.Case, request any) (*processor.Call, error) {
	by, err := processor.ByPerson(v.key, "console "+string(action)+" "+string(of.ID()), request)
	if err == nil {
		by.Member = v.member
	}
	return by, err
}

// outcome is the message about what an action has made or changed: that it was
// declined, that the network has not answered, or done.
func outcome(done string, all ...payment.Transaction) string {
	for _, t := range all {
		switch t.State {
		case payment.Failure:
			return "console.done.declined"
		case payment.Pending, payment.Settling:
			done = "console.done.pending"
		case payment.None, payment.Reserved, payment.Success, payment.Cancelled:
		}
	}
	return done
}

func settleCase(s *Server, c *call, of processor.Case, v wish) (string, error) {
	r := processor.SettleHold{Hold: of.ID(), Amount: v.amount, Final: v.rest == releaseRest}
	by, err := v.by(payment.ActSettle, of, r)
	if err != nil {
		return "", err
	}
	all, err := s.Processor.SettleHold(c.r.Context(), c.caller, by, r)
	return outcome("console.done.settled", all...), err
}

func releaseCase(s *Server, c *call, of processor.Case, v wish) (string, error) {
	r := processor.ReleaseHold{Hold: of.ID(), Amount: v.amount, Reason: v.reason}
	by, err := v.by(payment.ActRelease, of, r)
	if err != nil {
		return "", err
	}
	_, err = s.Processor.ReleaseHold(c.r.Context(), c.caller, by, r)
	return "console.done.released", err
}

func raiseCase(s *Server, c *call, of processor.Case, v wish) (string, error) {
	r := processor.RaiseHold{Hold: of.ID(), Amount: v.amount}
	by, err := v.by(payment.ActRaise, of, r)
	if err != nil {
		return "", err
	}
	t, err := s.Processor.RaiseHold(c.r.Context(), c.caller, by, r)
	return outcome("console.done.raised", t), err
}

func renewCase(s *Server, c *call, of processor.Case, v wish) (string, error) {
	r := processor.RenewHold{Hold: of.ID()}
	by, err := v.by(payment.ActRenew, of, r)
	if err != nil {
		return "", err
	}
	t, err := s.Processor.RenewHold(c.r.Context(), c.caller, by, r)
	return outcome("console.done.renewed", t), err
}

// refundCase pays back a payment, or the payments of a hold. The processor checks the
// limit of the member.
func refundCase(s *Server, c *call, of processor.Case, v wish) (string, error) {
	if of.IsHold() {
		r := processor.RefundHold{Hold: of.ID(), Amount: v.amount, Description: v.reason}
		by, err := v.by(payment.ActRefund, of, r)
		if err != nil {
			return "", err
		}
		all, err := s.Processor.RefundHold(c.r.Context(), c.caller, by, r)
		return outcome("console.done.refunded", all...), err
	}
	r := processor.RefundPayment{Payment: of.ID(), Amount: v.amount, Description: v.reason}
	by, err := v.by(payment.ActRefund, of, r)
	if err != nil {
		return "", err
	}
	t, err := s.Processor.RefundPayment(c.r.Context(), c.caller, by, r)
	return outcome("console.done.refunded", t), err
}

func endTokenOfCase(s *Server, c *call, of processor.Case, _ wish) (string, error) {
	return "console.done.token-ended", s.Processor.CancelToken(c.r.Context(), c.caller, holdfast.CancelTokenRequest{
		TokenID: of.Token.ID,
	})
}

// resendCase sends all notices about the case again.
func resendCase(s *Server, c *call, of processor.Case, _ wish) (string, error) {
	var done []string
	for _, n := range of.Notices {
		subject := n.Subject()
		if slices.Contains(done, subject) {
			continue
		}
		done = append(done, subject)
		_, err := s.Processor.SendAgain(c.r.Context(), c.caller.ID, processor.NoticeKey{Subject: subject})
		if err != nil && !errors.Is(err, processor.ErrNoNotification) { // they are under way at this moment
			return "", err
		}
	}
	return "console.done.resent", nil
}
