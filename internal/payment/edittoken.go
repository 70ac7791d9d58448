package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// readEditToken reads which token is to be paid otherwise (EditToken pipeline).
func readEditToken(in *paramReader, r *PipelineRequest) {
	r.Reference = in.reference("callerReference")
	r.Edited = holdfast.TokenID(in.required("tokenID", tokenIDMax))
	readSender(in, r)
}

// CanEdit refuses a token that cannot be edited: only tokens for many uses and
// recurring ones can, and what changes is how they pay. The zero Token
// is one that is not there.
func (t Token) CanEdit(caller party.CallerID, now time.Time) *PipelineEnd {
	editable := t.Type == holdfast.TokenMultiUse || t.Type == holdfast.TokenRecurring
	if t.Caller != caller || !editable || t.Sender == "" || t.Instrument == "" || t.Status(now) != holdfast.TokenActive {
		return &PipelineEnd{
			Status: holdfast.ReturnInvalidToken, Message: "Caller Error: The token is not one that can be edited",
		}
	}
	return nil
}

// CanBeEditedBy refuses whoever is not the token's sender.
func (t Token) CanBeEditedBy(p party.Party) *PipelineEnd {
	if t.Sender != p.ID {
		return &PipelineEnd{Status: holdfast.ReturnOthersToken, Message: "User Error: The token belongs to another account"}
	}
	return nil
}

// NoAccount is the end of an EditToken whose token's sender has left.
func NoAccount() *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnNoAccount, Message: "User Error: The account does not exist"}
}

// installEditToken makes a new token that pays by the instrument chosen, with
// all that is left of the old one's limits, and takes its place. With the same
// instrument nothing is made, and the answer is the old token.
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
