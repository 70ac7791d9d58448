package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ErrPasskey is the only error for a passkey that is unknown, does not verify
// or answers too late.
var ErrPasskey = errors.New("the passkey cannot be used")

// A RelyingParty is the site that a passkey is made for and valid at: a host
// name and the origin of its pages.
type RelyingParty struct{ Host, Origin string }

// library configures the WebAuthn library. A passkey must be stored on the
// device, the device must verify its user, and nothing about the device's make
// is sent.
func (r RelyingParty) library() (*webauthn.WebAuthn, error) {
	required := true
	return webauthn.New(&webauthn.Config{
		RPID: r.Host, RPOrigins: []string{r.Origin}, RPDisplayName: "Holdfast",
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &required,
			UserVerification: protocol.VerificationRequired,
		},
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
}

// A keyOwner is a party in the form that the library wants.
type keyOwner struct {
	party.Party
	credentials []webauthn.Credential
}

func (o keyOwner) WebAuthnID() []byte                         { return []byte(o.ID) }
func (o keyOwner) WebAuthnName() string                       { return o.Email }
func (o keyOwner) WebAuthnDisplayName() string                { return o.Name }
func (o keyOwner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

// BeginPasskey starts adding a passkey. It returns the options for the browser,
// as JSON. The party must enter its password again. A member that has a second
// factor must have given it, or it is ErrUnproved.
func (s *Service) BeginPasskey(
	ctx context.Context, r RelyingParty, at party.SignedIn, o OwnPassword,
) (options []byte, err error) {
	owner, err := s.changingKeys(ctx, at)
	if err != nil {
		return nil, err
	}
	if owner.Party, err = s.checkOwnPassword(ctx, owner.Party, o); err != nil {
		return nil, err
	}
	if len(owner.credentials) >= party.PasskeysMax {
		return nil, holdfast.Errorf(holdfast.InvalidParams, "an account has at most %d passkeys", party.PasskeysMax)
	}
	return s.askNewPasskey(ctx, r, owner)
}

// AskNewPasskey asks a browser to make a passkey for a party that has none yet and
// has proved in another way that the account is its own. It returns the options for
// the browser, as JSON.
func (s *Service) AskNewPasskey(ctx context.Context, r RelyingParty, owner party.Party) (options []byte, err error) {
	return s.askNewPasskey(ctx, r, keyOwner{Party: owner})
}

// askNewPasskey asks a browser to make a passkey.
func (s *Service) askNewPasskey(ctx context.Context, r RelyingParty, owner keyOwner) (options []byte, err error) {
	library, err := r.library()
	if err != nil {
		return nil, fmt.Errorf("setting up passkeys: %w", err)
	}
	var known []protocol.CredentialDescriptor
	for _, c := range owner.credentials {
		known = append(known, c.Descriptor())
	}
	creation, session, err := library.BeginRegistration(owner, webauthn.WithExclusions(known))
	if err != nil {
		return nil, fmt.Errorf("asking for a new passkey: %w", err)
	}
	return s.keepQuestion(ctx, owner.Party, session, creation.Response)
}

// AskPasskey starts a sign-in by passkey. Only the answer says which party
// signs in. AskPasskey returns the options for the browser, as JSON. Each
// question counts as a guess until it is answered correctly.
func (s *Service) AskPasskey(ctx context.Context, r RelyingParty, from string) (options []byte, err error) {
	if err := s.countGuess(ctx, []Subject{passkeySubject(from)}); err != nil {
		return nil, err
	}
	library, err := r.library()
	if err != nil {
		return nil, fmt.Errorf("setting up passkeys: %w", err)
	}
	assertion, session, err := library.BeginDiscoverableLogin()
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	return s.keepQuestion(ctx, party.Party{}, session, assertion.Response)
}

// keepQuestion stores a question until it is answered, and returns the options
// for the browser. If the question has an owner, the owner's password was
// checked before.
func (s *Service) keepQuestion(
	ctx context.Context, owner party.Party, session *webauthn.SessionData, told any,
) ([]byte, error) {
	kept, err := json.Marshal(session)
	if err != nil {
		return nil, fmt.Errorf("keeping a question to a passkey: %w", err)
	}
	options, err := json.Marshal(told)
	if err != nil {
		return nil, fmt.Errorf("asking a passkey: %w", err)
	}
	now := s.Now()
	return options, s.db.Update(ctx, func(tx *store.Tx) error {
		if owner.ID != "" {
			if err := restOnPassword(tx, owner); err != nil {
				return err
			}
		}
		return tx.InsertPasskeyChallenge(party.PasskeyChallenge{
			Challenge: session.Challenge, Owner: owner.ID, Session: kept, Expires: now.Add(party.PasskeyPatience),
		}, now)
	})
}

// takeQuestion reads and removes the question to an answer, so that it cannot
// be answered twice. It also returns the owner, if the question has one.
func (s *Service) takeQuestion(
	ctx context.Context, challenge string, partyID party.ID,
) (session webauthn.SessionData, owner keyOwner, err error) {
	var taken party.PasskeyChallenge
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		var found bool
		if taken, found, err = tx.TakePasskeyChallenge(challenge, partyID, s.Now()); err == nil && !found {
			err = ErrPasskey
		}
		if err != nil || partyID == "" {
			return err
		}
		owner, err = keyOwnerOf(&tx.ReadTx, partyID)
		return err
	})
	if err != nil {
		return session, owner, err
	}
	if err := json.Unmarshal(taken.Session, &session); err != nil {
		return session, owner, fmt.Errorf("reading a question to a passkey: %w", err)
	}
	return session, owner, nil
}

// AddPasskey stores the passkey that a browser has made, and tells the owner by
// mail. An answer that does not verify is ErrPasskey.
func (s *Service) AddPasskey(
	ctx context.Context, r RelyingParty, partyID party.ID, name string, answer []byte,
) (party.Passkey, error) {
	k, owner, err := s.madePasskey(ctx, r, partyID, name, answer)
	if err != nil {
		return party.Passkey{}, err
	}
	return k, s.db.Update(ctx, func(tx *store.Tx) error {
		// The password may have changed since the question was asked.
		err := restOnPassword(tx, owner.Party)
		if errors.Is(err, ErrWrongPassword) {
			return ErrPasskey
		}
		if err != nil {
			return err
		}
		inserted, err := tx.InsertPasskey(k)
		if err == nil && !inserted {
			err = ErrPasskey
		}
		if err != nil {
			return err
		}
		return s.passkeyChanged(tx, owner.Party, k.ID, party.NoticePasskeyAdded)
	})
}

// MadePasskey checks the passkey that a browser has made after AskNewPasskey. It is
// not stored yet.
func (s *Service) MadePasskey(
	ctx context.Context, r RelyingParty, partyID party.ID, name string, answer []byte,
) (party.Passkey, error) {
	k, _, err := s.madePasskey(ctx, r, partyID, name, answer)
	return k, err
}

// madePasskey checks the passkey that a browser has made. It is not stored yet.
func (s *Service) madePasskey(
	ctx context.Context, r RelyingParty, partyID party.ID, name string, answer []byte,
) (k party.Passkey, owner keyOwner, err error) {
	if problem := party.CheckLine(name, party.PasskeyNameMax); problem != "" {
		return k, owner, holdfast.Errorf(holdfast.InvalidParams,
			"the passkey's name is %s; it has from 1 to %d characters", problem, party.PasskeyNameMax)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return k, owner, ErrPasskey
	}
	session, owner, err := s.takeQuestion(ctx, parsed.Response.CollectedClientData.Challenge, partyID)
	if err != nil {
		return k, owner, err
	}
	library, err := r.library()
	if err != nil {
		return k, owner, fmt.Errorf("setting up passkeys: %w", err)
	}
	credential, err := library.CreateCredential(owner, session, parsed)
	if err != nil {
		return k, owner, ErrPasskey
	}
	kept, err := encodeCredential(*credential)
	return party.Passkey{
		ID: party.PasskeyID(s.IDs().Other("K")), Owner: partyID, CredentialID: credential.ID, Credential: kept, Name: name,
		Created: s.Now(),
	}, owner, err
}

// SignInByPasskey returns the party whose passkey has answered. Any problem is
// ErrPasskey. A signature counter that has not increased is a problem, too: it
// means that the passkey was copied.
func (s *Service) SignInByPasskey(ctx context.Context, r RelyingParty, answer []byte, in SignIn) (party.Party, error) {
	used, err := s.answered(ctx, r, answer)
	if err != nil {
		return party.Party{}, err
	}
	if err := s.db.Update(ctx, used.write); err != nil {
		return party.Party{}, err
	}
	account, err := s.welcome(ctx, used.owner, "", in.Language, []Subject{passkeySubject(in.From)})
	if errors.Is(err, ErrWrongPassword) {
		err = ErrPasskey // the account was taken over at the same moment
	}
	return account, err
}

// A usedPasskey is a passkey that has answered correctly. Its use is not stored
// yet.
type usedPasskey struct {
	before, after party.Passkey
	owner         party.Party
}

// write stores the use of the passkey. If the passkey was removed or used at
// the same moment, it returns ErrPasskey.
func (u usedPasskey) write(tx *store.Tx) error {
	err := tx.UsePasskey(u.before, u.after)
	if errors.Is(err, store.ErrStale) {
		return ErrPasskey
	}
	return err
}

// answered checks the answer to a question of AskPasskey.
func (s *Service) answered(ctx context.Context, r RelyingParty, answer []byte) (used usedPasskey, err error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return used, ErrPasskey
	}
	session, _, err := s.takeQuestion(ctx, parsed.Response.CollectedClientData.Challenge, "")
	if err != nil {
		return used, err
	}
	before, owner, err := s.passkey(ctx, parsed.RawID)
	if err != nil {
		return used, err
	}
	library, err := r.library()
	if err != nil {
		return used, fmt.Errorf("setting up passkeys: %w", err)
	}
	whose := func(_, handle []byte) (webauthn.User, error) {
		if !bytes.Equal(handle, owner.WebAuthnID()) {
			return nil, ErrPasskey
		}
		return owner, nil
	}
	_, credential, err := library.ValidatePasskeyLogin(whose, session, parsed)
	if err != nil || credential.Authenticator.CloneWarning {
		return used, ErrPasskey
	}
	after := before
	if after.Credential, err = encodeCredential(*credential); err != nil {
		return used, err
	}
	after.LastUsed = s.Now()
	return usedPasskey{before: before, after: after, owner: owner.Party}, nil
}

// RemovePasskey removes one of a party's passkeys, and tells the owner by mail.
// The party must enter its password again; see checkOwnPassword. A member must have
// given its second factor, or it is ErrUnproved.
func (s *Service) RemovePasskey(ctx context.Context, at party.SignedIn, o OwnPassword, id party.PasskeyID) error {
	keys, err := s.changingKeys(ctx, at)
	if err != nil {
		return err
	}
	owner, err := s.checkOwnPassword(ctx, keys.Party, o)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := restOnPassword(tx, owner); err != nil {
			return err
		}
		return s.removePasskey(tx, owner, id)
	})
}

// RemovePasskeyByPasskey is RemovePasskey with the answer of one of the party's
// passkeys in place of the password. That passkey may be the one to remove.
func (s *Service) RemovePasskeyByPasskey(
	ctx context.Context, r RelyingParty, partyID party.ID, answer []byte, from string, id party.PasskeyID,
) error {
	used, err := s.answered(ctx, r, answer)
	if err != nil {
		return err
	}
	if used.owner.ID != partyID {
		return ErrPasskey
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := used.write(tx); err != nil {
			return err
		}
		if err := forgive(tx, []Subject{passkeySubject(from)}); err != nil {
			return err
		}
		return s.removePasskey(tx, used.owner, id)
	})
}

func (s *Service) removePasskey(tx *store.Tx, owner party.Party, id party.PasskeyID) error {
	removed, err := tx.RemovePasskey(owner.ID, id)
	if err == nil && !removed {
		err = holdfast.Errorf(holdfast.InvalidParams, "there is no such passkey")
	}
	if err != nil {
		return err
	}
	return s.passkeyChanged(tx, owner, id, party.NoticePasskeyRemoved)
}

// passkeyActions are the names of changes in the audit log.
var passkeyActions = map[party.NoticeAbout]party.AuditAction{
	party.NoticePasskeyAdded: "passkey.add", party.NoticePasskeyRemoved: "passkey.remove",
}

// passkeyChanged logs a change of a passkey, and tells its owner by mail. The name of
// a passkey is not logged: it can be erased.
func (s *Service) passkeyChanged(
	tx *store.Tx, owner party.Party, id party.PasskeyID, about party.NoticeAbout,
) error {
	entry := party.AuditEntry{
		Action: passkeyActions[about], Object: string(owner.ID), After: party.Facts{"passkey": string(id)},
	}
	if err := tx.Log(entry, s.Now()); err != nil {
		return err
	}
	return s.TellOwner(tx, owner, party.Notice{About: about})
}

// changingKeys reads the party of a session that is about to change its passkeys.
func (s *Service) changingKeys(ctx context.Context, at party.SignedIn) (o keyOwner, err error) {
	err = s.db.View(ctx, func(tx *store.ReadTx) error {
		if err := s.mayChangeAccount(tx, at); err != nil {
			return err
		}
		o, err = keyOwnerOf(tx, at.Party)
		return err
	})
	return o, err
}

// keyOwnerOf reads a party with its passkeys.
func keyOwnerOf(tx *store.ReadTx, partyID party.ID) (o keyOwner, err error) {
	if o.Party, err = PartyOf(tx, partyID); err != nil {
		return o, err
	}
	keys, err := tx.Passkeys(partyID)
	if err != nil {
		return o, err
	}
	for _, k := range keys {
		c, err := decodeCredential(k.Credential)
		if err != nil {
			return o, err
		}
		o.credentials = append(o.credentials, c)
	}
	return o, nil
}

// passkey reads a passkey by its credential id, and its owner with only this
// passkey.
func (s *Service) passkey(ctx context.Context, credential []byte) (k party.Passkey, o keyOwner, err error) {
	err = s.db.View(ctx, func(tx *store.ReadTx) error {
		var found bool
		if k, found, err = tx.PasskeyByCredential(credential); err != nil {
			return err
		}
		if !found {
			return ErrPasskey
		}
		o.Party, err = PartyOf(tx, k.Owner)
		return err
	})
	if err != nil {
		return k, o, err
	}
	c, err := decodeCredential(k.Credential)
	o.credentials = []webauthn.Credential{c}
	return k, o, err
}

// encodeCredential leaves out the attestation of the device's make.
func encodeCredential(c webauthn.Credential) ([]byte, error) {
	c.Attestation = webauthn.CredentialAttestation{}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("keeping a passkey: %w", err)
	}
	return text, nil
}

func decodeCredential(text []byte) (c webauthn.Credential, err error) {
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("reading a passkey: %w", err)
	}
	return c, nil
}
