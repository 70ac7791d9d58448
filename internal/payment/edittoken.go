package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// readEditToken reads the id of the token whose payment method is to change
// (EditToken pipeline).
func readEditToken(in *paramReader, r *PipelineRequest) {
	r.Reference = in.reference("callerReference")
	r.Edited = holdfast.TokenID(in.required("tokenID", tokenIDMax))
	readSender(in, r)
}

// CanEdit refuses a token that cannot be edited. Only multi-use and recurring
// tokens can be edited, and only their instrument changes. The zero Token
// stands for a token that does not exist.
func (t Token) CanEdit(caller party.CallerID, now time.Time) *PipelineEnd {
	editable := t.Type == holdfast.TokenMultiUse || t.Type == holdfast.TokenRecurring
	if t.Caller != caller || !editable || t.Sender == "" || t.Instrument == "" || t.Status(now) != holdfast.TokenActive {
		return &PipelineEnd{
			Status: holdfast.ReturnInvalidToken, Message: "Caller Error: The token cannot be edited",
		}
	}
	return nil
}

// CanBeEditedBy refuses every party but the token's sender.
func (t Token) CanBeEditedBy(p party.Party) *PipelineEnd {
	if t.Sender != p.ID {
		return &PipelineEnd{Status: holdfast.ReturnOthersToken, Message: "User Error: The token belongs to another account"}
	}
	return nil
}

// NoAccount ends an EditToken visit if the token's sender has closed the
// account.
func NoAccount() *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnNoAccount, Message: "User Error: The account does not exist"}
}

// installEditToken makes a new token that pays with the chosen instrument. It
// replaces the old token and keeps what is left of its limits. If the
// instrument is the same, no token is made and the answer is the old token.
func (a Agreement) installEditToken() Installation {
	t := a.Edited
	if a.Instrument.ID == t.Instrument {
		return Installation{
			Status: holdfast.ReturnTokenUnchanged, Answer: holdfast.Params{{Name: "tokenID", Value: string(t.ID)}},
		}
	}
	t.ID, t.OldToken, t.Reference, t.Installed = a.IDs[0], t.ID, a.Request.Reference, a.Now
	t.Starts = a.Edited.Begins() // periods and windows go on as they were
	t.Instrument, t.Method = a.Instrument.ID, a.Instrument.Method
	made := a.one(t)
	made.Replaces = a.Edited.ID
	for _, l := range a.EditedLimits {
		l.Subject = string(t.ID)
		made.Limits = append(made.Limits, l)
	}
	return made
}
