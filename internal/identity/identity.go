// Package identity knows people: how they sign up and sign in, their passwords
// and passkeys, their sessions, the letters that prove an e-mail address, and
// their shipping addresses. The pages of buyers and sellers and the operator's
// console share it. It knows nothing of payments: package processor is told when
// an account is made and when its owner takes it over.
package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Service carries out what people do with their accounts. New makes one.
type Service struct {
	Config
	db *store.DB
	Surroundings
}

// A Config says how a Service works. Change nothing after the first action.
type Config struct {
	Hashing party.Hashing // of passwords and codes; zero means party.StrongHashing
	// Letters writes the subject and text of a letter. Nil means that the server
	// sends no mail: then every e-mail address counts as verified.
	Letters func(party.Notice) (subject, text string)
	// VerifyWithin is how long after signing up a party may pay without a verified
	// e-mail address. Zero means 24 h, negative means not at all.
	VerifyWithin time.Duration
}

// Surroundings are what a Service uses of the server that it is part of. All
// fields are needed.
type Surroundings struct {
	Now func() time.Time // real time, in whole microseconds
	IDs func() IDs
	// Opened is called in the commit that makes an account.
	Opened func(tx *store.Tx, account party.Party) error
	// TakenOver is called in the commit in which the owner of an e-mail address takes
	// over an account that somebody else may have made with it.
	TakenOver func(tx *store.Tx, account party.ID) error
	// Resumes reports whether a letter can lead back to what its reader was doing.
	Resumes func(tx *store.ReadTx, visit string) (bool, error)
	// Checked is called when a password was right, before the action that needs it.
	Checked func()
}

// IDs makes identifiers.
type IDs interface {
	Other(prefix string) string // "P" parties, "A" addresses, "S" sessions, "K" passkeys, "M" mails
	Secret(size int) string     // size characters for keys, unguessable
}

// New returns a service of a store.
func New(db *store.DB, c Config, s Surroundings) *Service {
	return &Service{Config: c, db: db, Surroundings: s}
}

func (s *Service) passwords() party.Hashing {
	if s.Hashing == (party.Hashing{}) {
		return party.StrongHashing
	}
	return s.Hashing
}

// Party reads a party that must exist.
func (s *Service) Party(ctx context.Context, id party.ID) (found party.Party, err error) {
	err = s.db.View(ctx, func(tx *store.ReadTx) error {
		found, err = PartyOf(tx, id)
		return err
	})
	return found, err
}

// PartyOf reads a party that must exist.
func PartyOf(tx *store.ReadTx, id party.ID) (party.Party, error) {
	found, ok, err := tx.Party(id)
	if err == nil && !ok {
		err = fmt.Errorf("party %s is missing", id)
	}
	return found, err
}

// errEmail refuses an e-mail address that cannot be one.
func errEmail() error {
	return holdfast.Errorf(holdfast.InvalidParams,
		"an e-mail address looks like ann@example.com and has at most %d characters", party.EmailMax)
}
