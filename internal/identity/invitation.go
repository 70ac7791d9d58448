package identity

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A NewInvitation names the person to invite, and the role. Name may be empty; the person
// can change it. From is the network address of the inviting member. Once is the key of
// the form.
type NewInvitation struct {
	party.Membership
	Email, Name, From, Once string
}

// Invite sends a letter whose reader becomes a member. by is the acting member, or
// empty for a command. The result is the link's secret if the server sends no mail, and
// otherwise empty: only the letter has it then. The same form again is
// [store.ErrFormUsed].
func (s *Service) Invite(ctx context.Context, by party.ID, n NewInvitation) (secret string, err error) {
	m, email := n.Membership, n.Email
	switch {
	case !party.ValidEmail(email):
		return "", errEmail()
	case n.Name != "" && !party.ValidName(n.Name):
		return "", holdfast.Errorf(holdfast.InvalidParams, "a name is one line of at most %d characters", party.NameMax)
	case m.CheckMember() != nil:
		return "", m.CheckMember()
	}
	if s.Letters != nil && by != "" {
		if err := s.CountLetter(ctx, email, n.From); err != nil {
			return "", err
		}
	}
	link := s.IDs().Secret(linkSecretSize)
	now := s.Now()
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := mayManage(tx, by, m.Caller); err != nil {
			return err
		}
		if err := tx.UseForm(n.Once, now); err != nil {
			return err
		}
		i := party.Invitation{
			Membership: m, Link: party.HashLink(link), Email: email, Name: n.Name, InvitedBy: by, Created: now,
		}
		name, err := s.inviting(tx, &i)
		if err != nil {
			return err
		}
		if err := tx.SetInvitation(i, now.Add(-party.InvitationLife)); err != nil {
			return err
		}
		if err := tx.Log(party.AuditEntry{
			Action: "member.invite", Caller: i.Caller, Object: email, After: factsOf(i.Membership),
		}, now); err != nil {
			return err
		}
		return s.Tell(tx, party.Notice{
			About: party.NoticeInvitation, To: email, Language: i.Language, Link: link, Caller: name, Role: i.Role,
		})
	})
	if err != nil || s.Letters != nil {
		return "", err
	}
	return link, nil
}

// inviting chooses the language of an invitation, and returns the name of its
// caller.
func (s *Service) inviting(tx *store.Tx, i *party.Invitation) (caller string, err error) {
	for _, reader := range []func() (party.Party, bool, error){
		func() (party.Party, bool, error) { return tx.PartyByEmail(i.Email) },
		func() (party.Party, bool, error) { return tx.Party(i.InvitedBy) },
	} {
		if i.Language != "" {
			break
		}
		known, found, err := reader()
		if err != nil {
			return "", err
		}
		if found {
			i.Language = known.Language
		}
	}
	if i.Caller == "" {
		return "", nil
	}
	c, found, err := tx.Caller(i.Caller)
	if err == nil && !found {
		err = holdfast.Errorf(holdfast.InvalidParams, "there is no such caller")
	}
	return c.Name, err
}

// InvitationBy returns the invitation of a link, and whether an account has its
// address. It is ErrLinkOver for a link that was used, withdrawn or is too old, and if
// the inviting member may no longer invite.
func (s *Service) InvitationBy(ctx context.Context, secret string) (i party.Invitation, taken bool, err error) {
	err = s.db.View(ctx, func(tx *store.ReadTx) error {
		if i, err = s.invitation(tx, secret); err != nil {
			return err
		}
		_, taken, err = tx.PartyByEmail(i.Email)
		return err
	})
	return i, taken, err
}

func (s *Service) invitation(tx *store.ReadTx, secret string) (party.Invitation, error) {
	i, found, err := tx.Invitation(party.HashLink(secret))
	if err == nil && (!found || i.Over(s.Now())) {
		err = ErrLinkOver
	}
	if err != nil || i.InvitedBy == "" {
		return i, err
	}
	// The inviting member may have left or lost its role.
	if _, err = Permit(tx, i.InvitedBy, party.MayManageMembers, i.Caller); errors.Is(err, ErrNotAllowed) {
		err = ErrLinkOver
	}
	return i, err
}

// AcceptInvitation makes a signed-in party a member. The invitation must be for its
// address, and the party must have proved that address: somebody else may have
// signed up with it.
func (s *Service) AcceptInvitation(ctx context.Context, secret string, account party.ID) (party.Membership, error) {
	var m party.Membership
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		i, err := s.invitation(&tx.ReadTx, secret)
		if err != nil {
			return err
		}
		invited, err := PartyOf(&tx.ReadTx, account)
		if err != nil {
			return err
		}
		if party.EmailKey(invited.Email) != party.EmailKey(i.Email) || !invited.EmailVerified {
			return ErrNotAllowed
		}
		m = i.Membership
		return s.accept(tx, i, invited)
	})
	return m, overIfStale(err)
}

// AcceptInvitationAsNew makes an account for the reader of an invitation. The link
// proves the address. If another account has the address, it is ErrEmailTaken.
func (s *Service) AcceptInvitationAsNew(ctx context.Context, secret string, n NewParty) (made party.Party, err error) {
	i, _, err := s.InvitationBy(ctx, secret)
	if err != nil {
		return made, err // before the expensive hash
	}
	n.Email, n.Business = i.Email, false
	if made, err = s.newParty(ctx, n); err != nil {
		return made, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		i, err := s.invitation(&tx.ReadTx, secret)
		if err != nil {
			return err
		}
		inserted, err := tx.InsertParty(made)
		if err == nil && !inserted {
			err = ErrEmailTaken
		}
		if err != nil {
			return err
		}
		tx.ActBy(made)
		if err := s.Opened(tx, made); err != nil {
			return err
		}
		if err := s.logCreated(tx, made); err != nil {
			return err
		}
		return s.accept(tx, i, made)
	})
	return made, overIfStale(err)
}

func (s *Service) accept(tx *store.Tx, i party.Invitation, invited party.Party) error {
	if err := tx.UseInvitation(i.Link); err != nil {
		return err
	}
	m := i.Membership
	m.Party = invited.ID
	return s.setMember(tx, m)
}

// overIfStale is ErrLinkOver for a link that was used at the same moment.
func overIfStale(err error) error {
	if errors.Is(err, store.ErrStale) {
		return ErrLinkOver
	}
	return err
}

// WithdrawInvitation makes the link of an invitation useless.
func (s *Service) WithdrawInvitation(ctx context.Context, by party.ID, of party.CallerID, email string) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := mayManage(tx, by, of); err != nil {
			return err
		}
		withdrawn, err := tx.WithdrawInvitation(of, email)
		if err == nil && !withdrawn {
			err = holdfast.Errorf(holdfast.InvalidParams, "there is no such invitation")
		}
		if err != nil {
			return err
		}
		return tx.Log(party.AuditEntry{Action: "member.withdraw", Caller: of, Object: email}, s.Now())
	})
}
