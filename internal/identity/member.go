package identity

import (
	"context"
	"errors"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ErrNotAllowed means that the party's role does not allow the action, or no longer.
var ErrNotAllowed = errors.New("the member's role does not allow it")

// ErrNoMember is the same for a party that does not exist and for one that is no
// member.
var ErrNoMember = holdfast.Errorf(holdfast.InvalidParams, "there is no such member")

// Memberships returns what a party is a member of. A party that is not active is a
// member of nothing.
func (s *Service) Memberships(ctx context.Context, id party.ID) (all []party.Membership, err error) {
	err = s.db.View(ctx, func(tx *store.ReadTx) error {
		all, err = MembershipsOf(tx, id)
		return err
	})
	return all, err
}

// MembershipsOf is Memberships in a transaction.
func MembershipsOf(tx *store.ReadTx, id party.ID) (all []party.Membership, err error) {
	_, active, err := activeParty(tx, id)
	if err != nil || !active {
		return nil, err
	}
	stored, err := tx.Memberships(id)
	for _, m := range stored {
		all = append(all, m.Membership)
	}
	return all, err
}

// activeParty reads a party. A guest is not active, nor is a party that does not exist.
func activeParty(tx *store.ReadTx, id party.ID) (account party.Party, active bool, err error) {
	account, found, err := tx.Party(id)
	return account, found && !account.Guest && account.Standing == party.Active, err
}

// Permit returns a membership that gives a party a permission for a caller, or for
// the server if the caller is empty. Of several it is the one that allows the largest
// refund. Without one it is ErrNotAllowed. An action calls it in its transaction, so a
// member that is removed meanwhile does nothing more.
func Permit(tx *store.ReadTx, id party.ID, p party.Permission, of party.CallerID) (party.Membership, error) {
	all, err := MembershipsOf(tx, id)
	if err != nil {
		return party.Membership{}, err
	}
	var permitted party.Membership
	for _, m := range all {
		if !m.Covers(of) || !m.May(p) {
			continue
		}
		if permitted.Role == "" || !m.RefundLimit.Given() ||
			permitted.RefundLimit.Given() && m.RefundLimit.Cmp(permitted.RefundLimit) > 0 {
			permitted = m
		}
	}
	if permitted.Role == "" {
		return permitted, ErrNotAllowed
	}
	return permitted, nil
}

// MembersThat returns the active parties with a membership of which may is true: first
// the members of a caller, then those of the server.
func MembersThat(
	tx *store.ReadTx, of party.CallerID, may func(party.Membership) bool,
) (parties []party.Party, err error) {
	members, err := tx.Members(of)
	if err != nil {
		return nil, err
	}
	ofServer, err := tx.Members("")
	if err != nil {
		return nil, err
	}
	seen := make(map[party.ID]bool)
	for _, m := range append(members, ofServer...) {
		if seen[m.Party] || !may(m.Membership) {
			continue
		}
		seen[m.Party] = true
		account, active, err := activeParty(tx, m.Party)
		if err != nil {
			return nil, err
		}
		if active {
			parties = append(parties, account)
		}
	}
	return parties, nil
}

// mayManage refuses an action on members unless by may manage them. A command has no
// party.
func mayManage(tx *store.Tx, by party.ID, of party.CallerID) error {
	if by == "" {
		return nil
	}
	_, err := Permit(&tx.ReadTx, by, party.MayManageMembers, of)
	return err
}

// MayManageParty refuses an action on the account of a member unless by may manage
// each of its memberships. A command has no party. Anybody may manage a party that is
// no member.
func MayManageParty(tx *store.Tx, by, id party.ID) error {
	all, err := tx.Memberships(id)
	if err != nil {
		return err
	}
	for _, m := range all {
		if err := mayManage(tx, by, m.Caller); err != nil {
			return err
		}
	}
	return nil
}

// mayChangeStanding is MayManageParty for a new standing. The last owner of a caller
// or of the server stays active.
func mayChangeStanding(tx *store.Tx, by, id party.ID, after party.Standing) error {
	if err := MayManageParty(tx, by, id); err != nil || after == party.Active {
		return err
	}
	owned, err := tx.Memberships(id)
	if err != nil {
		return err
	}
	for _, m := range owned {
		if err := checkOwners(tx, m.Caller, id, ""); err != nil {
			return err
		}
	}
	return nil
}

// checkOwners refuses a change of one member if no active owner would be left. after
// is the role of the member after it; empty if it does nothing more.
func checkOwners(tx *store.Tx, of party.CallerID, changed party.ID, after party.Role) error {
	all, err := tx.Members(of)
	if err != nil {
		return err
	}
	var counted []party.Member
	for _, m := range all {
		counts := m.Party == changed
		if !counts && m.Role == party.RoleOwner {
			if _, counts, err = activeParty(&tx.ReadTx, m.Party); err != nil {
				return err
			}
		}
		if counts {
			counted = append(counted, m)
		}
	}
	return party.CheckOwners(counted, changed, after)
}

// SetMember gives a party a role, or changes the role of a member. by is the acting
// member, or empty for a command.
func (s *Service) SetMember(ctx context.Context, by party.ID, m party.Membership) error {
	if err := m.CheckMember(); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := mayManage(tx, by, m.Caller); err != nil {
			return err
		}
		account, found, err := tx.Party(m.Party)
		if err == nil && (!found || account.Guest || account.Standing == party.Closed) {
			err = ErrNoMember
		}
		if err != nil {
			return err
		}
		return s.setMember(tx, m)
	})
}

func (s *Service) setMember(tx *store.Tx, m party.Membership) error {
	all, err := tx.Members(m.Caller)
	if err != nil {
		return err
	}
	if err := checkOwners(tx, m.Caller, m.Party, m.Role); err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(had party.Member) bool { return had.Party == m.Party })
	entry := party.AuditEntry{Action: "member.set", Caller: m.Caller, Object: string(m.Party), After: factsOf(m)}
	if i >= 0 {
		entry.Before = factsOf(all[i].Membership)
	}
	if err := tx.Log(entry, s.Now()); err != nil {
		return err
	}
	return tx.SetMember(party.Member{Membership: m, Created: s.Now()})
}

// factsOf is what the audit log says of a membership.
func factsOf(m party.Membership) party.Facts {
	f := party.Facts{"role": string(m.Role)}
	if m.RefundLimit.Given() {
		f["refundLimit"] = m.RefundLimit.Decimal()
	}
	return f
}

// ChangeMember changes the role of a member. A party that is no member is
// InvalidParams.
func (s *Service) ChangeMember(ctx context.Context, by party.ID, m party.Membership) error {
	if err := m.CheckMember(); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := mayManage(tx, by, m.Caller); err != nil {
			return err
		}
		if _, err := memberOf(tx, m.Party, m.Caller); err != nil {
			return err
		}
		return s.setMember(tx, m)
	})
}

// RemoveMember ends a membership. The last owner stays.
func (s *Service) RemoveMember(ctx context.Context, by, id party.ID, of party.CallerID) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := mayManage(tx, by, of); err != nil {
			return err
		}
		had, err := memberOf(tx, id, of)
		if err != nil {
			return err
		}
		if err := checkOwners(tx, of, id, ""); err != nil {
			return err
		}
		removed, err := tx.RemoveMember(id, of)
		if err == nil && !removed {
			err = ErrNoMember
		}
		if err != nil {
			return err
		}
		return tx.Log(party.AuditEntry{
			Action: "member.remove", Caller: of, Object: string(id), Before: factsOf(had.Membership),
		}, s.Now())
	})
}

func memberOf(tx *store.Tx, id party.ID, of party.CallerID) (party.Member, error) {
	all, err := tx.Memberships(id)
	if err != nil {
		return party.Member{}, err
	}
	for _, m := range all {
		if m.Caller == of {
			return m, nil
		}
	}
	return party.Member{}, ErrNoMember
}
