package identity_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

var own = identity.OwnPassword{Password: holdfasttest.Password, From: here}

// beginSession signs Ann in by password, and begins a session.
func beginSession(w *holdfasttest.World, p *processor.Processor) error {
	account, err := p.Identity.SignIn(w.T.Context(), identity.SignIn{
		Email: w.Buyer.Email, Password: holdfasttest.Password, From: here,
	})
	if err != nil {
		return err
	}
	_, err = p.Identity.BeginSignedIn(w.T.Context(), account, party.Device{}, identity.ByPassword)
	return err
}

// A password is checked before the transaction that acts on it. If the password
// is changed in between, the action has no effect.
func TestAPasswordThatChangesAfterTheCheck(t *testing.T) {
	for name, row := range map[string]struct {
		act  func(w *holdfasttest.World, k party.Passkey) error
		done func(w *holdfasttest.World) bool
	}{
		"signing in": {
			func(w *holdfasttest.World, _ party.Passkey) error { return beginSession(w, w.Processor) },
			func(w *holdfasttest.World) bool { return sessions(w, w.Buyer.ID) != "" },
		},
		"changing the password": {
			func(w *holdfasttest.World, _ party.Passkey) error {
				return changePassword(w, party.SignedIn{Party: w.Buyer.ID}, holdfasttest.Password, "an intruder's password")
			},
			func(w *holdfasttest.World) bool { return signIn(w, w.Buyer.Email, "an intruder's password") == nil },
		},
		"changing the address": {
			func(w *holdfasttest.World, _ party.Passkey) error {
				return w.Processor.Identity.ChangeEmail(w.T.Context(), party.SignedIn{Party: w.Buyer.ID}, own, "intruder@example.test")
			},
			func(w *holdfasttest.World) bool { return proofs(w, party.ProvesNewEmail) },
		},
		"adding a passkey": {
			func(w *holdfasttest.World, _ party.Passkey) error {
				_, err := w.Processor.Identity.BeginPasskey(w.T.Context(), relyingParty, party.SignedIn{Party: w.Buyer.ID}, own)
				return err
			},
			func(*holdfasttest.World) bool { return false }, // only the refused answer has the question
		},
		"removing a passkey": {
			func(w *holdfasttest.World, k party.Passkey) error {
				return w.Processor.Identity.RemovePasskey(w.T.Context(), party.SignedIn{Party: w.Buyer.ID}, own, k.ID)
			},
			func(w *holdfasttest.World) bool { return len(passkeys(w)) == 0 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				w.Mailing()
				k := addPasskey(w, w.Buyer.ID, device(t))
				var once sync.Once
				w.Processor.Hook = func(point string) {
					if point != processor.PointChecked {
						return
					}
					once.Do(func() {
						if err := w.Processor.Identity.GivePassword(t.Context(), w.Buyer.ID, another); err != nil {
							t.Error(err)
						}
					})
				}
				wantErr(w, name, row.act(w, k), identity.ErrWrongPassword)
				if row.done(w) {
					t.Error("it was done nevertheless")
				}
				if err := signIn(w, w.Buyer.Email, another); err != nil {
					t.Errorf("the new password: %v", err)
				}
			})
		})
	}
}

func passkeys(w *holdfasttest.World) (all []party.Passkey) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Passkeys(w.Buyer.ID)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

// proofs reports whether Ann has a valid letter of a purpose.
func proofs(w *holdfasttest.World, purpose party.ProofPurpose) (found bool) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		_, found, err = tx.Proof(w.Buyer.ID, purpose)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return found
}

// An action in several steps that began under a password ends when the password
// changes.
func TestWhatBeganUnderAChangedPassword(t *testing.T) {
	type begin = func(t *testing.T, w *holdfasttest.World, post *holdfasttest.Postbox) (finish func() error, want error)
	for name, begin := range map[string]begin{
		"a session by passkey": func(t *testing.T, w *holdfasttest.World, _ *holdfasttest.Postbox) (func() error, error) {
			a := device(t)
			addPasskey(w, w.Buyer.ID, a)
			account, err := signInByPasskey(w, a)
			if err != nil {
				t.Fatal(err)
			}
			return func() error {
				_, err := w.Processor.Identity.BeginSignedIn(t.Context(), account, party.Device{}, identity.ByPassword)
				return err
			}, identity.ErrWrongPassword
		},
		"a passkey": func(t *testing.T, w *holdfasttest.World, _ *holdfasttest.Postbox) (func() error, error) {
			answer := device(t).Make(beginPasskey(w, w.Buyer.ID))
			return func() error {
				_, err := w.Processor.Identity.AddPasskey(t.Context(), relyingParty, w.Buyer.ID, "Laptop", answer)
				return err
			}, identity.ErrPasskey
		},
		"an address": func(t *testing.T, w *holdfasttest.World, post *holdfasttest.Postbox) (func() error, error) {
			if err := w.Processor.Identity.ChangeEmail(t.Context(), party.SignedIn{Party: w.Buyer.ID}, own, "new@example.test"); err != nil {
				t.Fatal(err)
			}
			link := post.Last("new@example.test", party.NoticeNewEmail).Link
			return func() error { return proveByLink(w, w.Buyer.ID, link) }, identity.ErrLinkOver
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				finish, want := begin(t, w, w.Mailing())
				if err := changePassword(w, signedIn(w, w.Buyer.ID), holdfasttest.Password, another); err != nil {
					t.Fatal(err)
				}
				wantErr(w, name, finish(), want)
			})
		})
	}
}

// Two servers on one database: an intruder signs in with the old password while
// the owner changes it. In either order only the owner's session is left.
func TestTwoServersSignInAndChangeThePassword(t *testing.T) {
	for engine, address := range holdfasttest.Addresses(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			other := processor.New(holdfasttest.Open(t, at), processor.Config{
				Network: w.Network, Now: w.Clock.Now, IDs: w.IDs,
				Log:    slog.New(slog.DiscardHandler),
				People: identity.Config{Hashing: holdfasttest.QuickHashing},
			})
			t.Cleanup(other.Close)
			present, next := holdfasttest.Password, another
			for round := range 20 {
				owner := signedIn(w, w.Buyer.ID)
				var racing sync.WaitGroup
				racing.Go(func() {
					account, err := other.Identity.SignIn(t.Context(), identity.SignIn{
						Email: w.Buyer.Email, Password: present, From: here,
					})
					if err == nil {
						_, err = other.Identity.BeginSignedIn(t.Context(), account, party.Device{}, identity.ByPassword)
					}
					if err != nil && !errors.Is(err, identity.ErrWrongPassword) {
						t.Error(err)
					}
				})
				racing.Go(func() {
					if err := changePassword(w, owner, present, next); err != nil {
						t.Error(err)
					}
				})
				racing.Wait()
				if left := sessions(w, w.Buyer.ID); left != string(owner.ID) {
					t.Fatalf("round %d: sessions are %q, want the owner's %s alone", round, left, owner.ID)
				}
				present, next = next, present
				w.Clock.Advance(time.Minute)
			}
		})
	}
}

// Two servers use one link at once: it works once.
func TestTwoServersUseOneResetLink(t *testing.T) {
	for engine, address := range holdfasttest.Addresses(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			post := w.Mailing()
			other := processor.New(holdfasttest.Open(t, at), processor.Config{
				Now: w.Clock.Now, IDs: w.IDs,
				Log:    slog.New(slog.DiscardHandler),
				People: identity.Config{Hashing: holdfasttest.QuickHashing, Letters: w.Processor.Identity.Letters},
			})
			t.Cleanup(other.Close)
			for round := range 5 {
				forgotten(w, w.Buyer.Email)
				link := post.Last(w.Buyer.Email, party.NoticeReset).Link
				errs := make([]error, 2)
				var racing sync.WaitGroup
				for i, p := range []*processor.Processor{w.Processor, other} {
					racing.Go(func() {
						_, errs[i] = p.Identity.ResetPassword(t.Context(), link, fmt.Sprintf("password %d of round %d", i, round))
					})
				}
				racing.Wait()
				if (errs[0] == nil) == (errs[1] == nil) {
					t.Fatalf("round %d: %v and %v, want that one has set the password", round, errs[0], errs[1])
				}
				for i, err := range errs {
					if err != nil {
						wantErr(w, "the later one", err, identity.ErrLinkOver)
						continue
					}
					if err := signIn(w, w.Buyer.Email, fmt.Sprintf("password %d of round %d", i, round)); err != nil {
						t.Errorf("round %d: the password that was set: %v", round, err)
					}
				}
				w.Clock.Advance(time.Hour)
			}
		})
	}
}

// An intruder who knows the password, or a stranger who requests letters,
// cannot invalidate the link that was mailed to the owner. A new address can.
func TestWhatEndsAResetLink(t *testing.T) {
	for name, row := range map[string]struct {
		do   func(w *holdfasttest.World, post *holdfasttest.Postbox) error
		want error
	}{
		"asking for another": {func(w *holdfasttest.World, _ *holdfasttest.Postbox) error {
			return w.Processor.Identity.Forgotten(w.T.Context(), w.Buyer.Email, "203.0.113.66", "")
		}, nil},
		"signing in": {func(w *holdfasttest.World, _ *holdfasttest.Postbox) error {
			return beginSession(w, w.Processor)
		}, nil},
		"a new password": {func(w *holdfasttest.World, _ *holdfasttest.Postbox) error {
			return changePassword(w, signedIn(w, w.Buyer.ID), holdfasttest.Password, "an intruder's password")
		}, nil},
		"an operator's password": {func(w *holdfasttest.World, _ *holdfasttest.Postbox) error {
			return w.Processor.Identity.GivePassword(w.T.Context(), w.Buyer.ID, "an operator's password")
		}, nil},
		"guesses": {func(w *holdfasttest.World, _ *holdfasttest.Postbox) error {
			for range party.AccountGuesses.Free + 2 {
				_ = signIn(w, w.Buyer.Email, "a guess")
			}
			return nil
		}, nil},
		"the old password, chosen again": {func(w *holdfasttest.World, post *holdfasttest.Postbox) error {
			wantErr(w, "the old password", reset(w, post.Last(w.Buyer.Email, party.NoticeReset).Link, holdfasttest.Password),
				party.ErrPasswordSame)
			return nil
		}, nil},
		"a new address": {func(w *holdfasttest.World, post *holdfasttest.Postbox) error {
			if err := w.Processor.Identity.ChangeEmail(w.T.Context(), party.SignedIn{Party: w.Buyer.ID}, own, "new@example.test"); err != nil {
				return err
			}
			return proveByLink(w, w.Buyer.ID, post.Last("new@example.test", party.NoticeNewEmail).Link)
		}, identity.ErrLinkOver},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				post := w.Mailing()
				forgotten(w, w.Buyer.Email)
				link := post.Last(w.Buyer.Email, party.NoticeReset).Link
				if err := row.do(w, post); err != nil {
					t.Fatal(err)
				}
				wantErr(w, "the link", reset(w, link, another), row.want)
			})
		})
	}
}

// The new password must differ from the old one, however it is typed.
func TestTheNewPasswordIsAnother(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		if err := w.Processor.Identity.GivePassword(t.Context(), w.Buyer.ID, "Schl\u00fcssel und Bund"); err != nil {
			t.Fatal(err)
		}
		at := signedIn(w, w.Buyer.ID)
		for _, same := range []string{"Schl\u00fcssel und Bund", "Schlu\u0308ssel\u00a0und Bund"} {
			wantErr(w, "changing it", changePassword(w, at, "Schl\u00fcssel und Bund", same), party.ErrPasswordSame)
			forgotten(w, w.Buyer.Email)
			wantErr(w, "resetting it", reset(w, post.Last(w.Buyer.Email, party.NoticeReset).Link, same),
				party.ErrPasswordSame)
		}
		want(w, sessions(w, w.Buyer.ID), string(at.ID))
	})
}

// The reader of a stolen mail cannot find out the old password by guessing.
func TestAResetLinkTellsLittleOfTheOldPassword(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		forgotten(w, w.Buyer.Email)
		link := post.Last(w.Buyer.Email, party.NoticeReset).Link
		for range party.AccountGuesses.Free {
			wantErr(w, "the old password", reset(w, link, holdfasttest.Password), party.ErrPasswordSame)
		}
		if _, blocked := errors.AsType[*identity.GuessesError](reset(w, link, another)); !blocked {
			t.Error("it can be tried without end")
		}
		w.Clock.Advance(party.AccountGuesses.Every)
		if err := reset(w, link, another); err != nil {
			t.Errorf("after a wait: %v", err)
		}
	})
}

// rawHash makes a password hash without the normal form that passwords have
// now.
func rawHash(password string) string {
	salt := []byte("0123456789abcdef")
	h := holdfasttest.QuickHashing
	key := argon2.IDKey([]byte(password), salt, h.Passes, h.Memory, 1, 32)
	return "argon2id$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key)
}

// A hash of a password without a normal form is accepted and renewed.
func TestOldHashesAreRenewed(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		before := reread(w, w.Buyer.ID).PasswordHash
		err := w.DB.Update(t.Context(), func(tx *store.Tx) error {
			return tx.SetPassword(w.Buyer.ID, before, rawHash("Schlu\u0308ssel und Bund"))
		})
		if err != nil {
			t.Fatal(err)
		}
		wantErr(w, "typed in another way", signIn(w, w.Buyer.Email, "Schl\u00fcssel und Bund"), identity.ErrWrongPassword)
		account, err := w.Processor.Identity.SignIn(t.Context(), identity.SignIn{
			Email: w.Buyer.Email, Password: "Schlu\u0308ssel und Bund", From: here,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Processor.Identity.BeginSignedIn(t.Context(), account, party.Device{},
			identity.ByPassword); err != nil {
			t.Errorf("beginning a session: %v", err)
		}
		if err := signIn(w, w.Buyer.Email, "Schl\u00fcssel und Bund"); err != nil {
			t.Errorf("typed in another way, from now on: %v", err)
		}
	})
}

// Strong hashing is the default.
func TestServersHashStrongly(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Processor.Identity.Hashing = party.Hashing{}
		if made := w.Party("Zoë", "zoe@example.test"); !party.StrongHashing.Check(made.PasswordHash, holdfasttest.Password) {
			t.Errorf("the hash is %s", made.PasswordHash)
		}
	})
}
