package party_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/holdfast-pay/holdfast/internal/party"
)

const testSalt = "0123456789abcdef"

// quick is the cheapest cost, for tests.
var quick = party.Hashing{Passes: 1, Memory: 8}

// rawHash is an older hash, made from the typed form of a password.
func rawHash(password string) string {
	key := argon2.IDKey([]byte(password), []byte(testSalt), 2, 19*1024, 1, 32)
	return "argon2id$" + base64.RawStdEncoding.EncodeToString([]byte(testSalt)) + "$" +
		base64.RawStdEncoding.EncodeToString(key)
}

// The same password can be typed in many ways: RFC 8265, section 4.2
// (OpaqueString).
func TestPasswordsHaveANormalForm(t *testing.T) {
	for name, row := range map[string]struct {
		a, b string
		same bool
	}{
		"a composed and a combining accent": {"contrase\u00f1a segura", "contrasen\u0303a segura", true},
		"an umlaut":                         {"Schl\u00fcssel", "Schlu\u0308ssel", true},
		"Hangul": {
			"\ud55c\uae00\ud55c\uae00\ud55c\uae00\ud55c\uae00",
			strings.Repeat("\u1112\u1161\u11ab\u1100\u1173\u11af", 4), true,
		},
		"a no-break space":     {"correct\u00a0horse", "correct horse", true},
		"an ideographic space": {"correct\u3000horse", "correct horse", true},
		"case":                 {"Correct horse", "correct horse", false},
		"width":                {"\uff43\uff4f\uff52\uff52\uff45\uff43\uff54 horse", "correct horse", false},
		"compatibility":        {"\ufb01ne horses", "fine horses", false},
		"blanks at the end":    {"correct horse ", "correct horse", false},
	} {
		for _, p := range [][2]string{{row.a, row.b}, {row.b, row.a}} {
			if got := quick.Check(quick.Hash(p[0], []byte(testSalt)), p[1]); got != row.same {
				t.Errorf("%s: %q for the hash of %q is %v", name, p[1], p[0], got)
			}
			if got := party.SamePassword(p[0], p[1]); got != row.same {
				t.Errorf("%s: %q and %q are the same: %v", name, p[0], p[1], got)
			}
		}
	}
}

func TestOldHashesStillWork(t *testing.T) {
	for name, row := range map[string]struct {
		password string
		outdated bool
	}{
		"ASCII":               {"correct horse", false},
		"composed":            {"Schl\u00fcssel", false},
		"combining":           {"Schlu\u0308ssel", true},
		"a no-break space":    {"correct\u00a0horse", true},
		"a control character": {"correct\thorse", false}, // it has no normal form for a new hash
		"an emoji":            {"correct \u2764\ufe0f horse", false},
	} {
		hash := rawHash(row.password)
		if !party.StrongHashing.Check(hash, row.password) {
			t.Errorf("%s: the password is not accepted any more", name)
		}
		if got := party.StrongHashing.Outdated(hash, row.password); got != row.outdated {
			t.Errorf("%s: outdated is %v", name, got)
		}
		if party.StrongHashing.Outdated(party.StrongHashing.Hash(row.password, []byte(testSalt)), row.password) {
			t.Errorf("%s: a new hash is outdated", name)
		}
	}
}

func TestNewPasswords(t *testing.T) {
	for name, row := range map[string]struct {
		password string
		want     error
	}{
		"short":                              {"1234567", party.ErrPasswordShort},
		"short, with accents typed apart":    {strings.Repeat("u\u0308", 7), party.ErrPasswordShort},
		"short, with a control character":    {"123\x00", party.ErrPasswordShort},
		"eight characters":                   {"東京陶芸東京陶芸", nil},
		"the longest":                        {strings.Repeat("ü", party.PasswordMax), nil},
		"the longest, accents typed apart":   {strings.Repeat("u\u0308", party.PasswordMax), nil},
		"too long":                           {strings.Repeat("x", party.PasswordMax+1), party.ErrPasswordLong},
		"as much as is looked at":            {strings.Repeat("x", 4096), party.ErrPasswordLong},
		"huge":                               {strings.Repeat("x", 1<<20), party.ErrPasswordLong},
		"a control character":                {"correct\x00horse", party.ErrPasswordCharacters},
		"a line break":                       {"correct\nhorse", party.ErrPasswordCharacters},
		"an invisible character":             {"correct\u202ehorse", party.ErrPasswordCharacters},
		"invalid UTF-8":                      {"correct\xffhorse", party.ErrPasswordCharacters},
		"an emoji that is one character":     {"correct \U0001f40e horse", nil},
		"blanks at both ends and in between": {"  correct  horse  ", nil},
	} {
		if err := party.ValidPassword(row.password); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}
