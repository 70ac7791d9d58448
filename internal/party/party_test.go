package party_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestPasswords(t *testing.T) {
	hash := party.StrongHashing.Hash("correct horse battery", []byte("0123456789abcdef"))
	if hash != rawHash("correct horse battery") {
		t.Errorf("%s is not a hash of argon2id with two passes over 19 MiB", hash)
	}
	if strings.Contains(hash, "horse") {
		t.Fatal("the hash contains the password")
	}
	for name, row := range map[string]struct {
		hash, password string
		want           bool
	}{
		"right":                {hash, "correct horse battery", true},
		"wrong":                {hash, "correct horse batterz", false},
		"empty":                {hash, "", false},
		"oversized":            {hash, strings.Repeat("x", party.PasswordMax+1), false},
		"nobody's":             {"", "correct horse battery", false},
		"nobody's, empty":      {"", "", false},
		"a hash cut short":     {hash[:len(hash)-4], "correct horse battery", false},
		"a hash of other kind": {"md5$aaaa$bbbb", "correct horse battery", false},
	} {
		if got := party.StrongHashing.Check(row.hash, row.password); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for password, ok := range map[string]bool{
		"1234567": false, "12345678": true, strings.Repeat("x", 200): true, strings.Repeat("x", 201): false,
	} {
		if err := party.ValidPassword(password); (err == nil) != ok {
			t.Errorf("password of %d: %v", len(password), err)
		}
	}
}

func TestEmailAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"ann@example.test": true, "ann+test@example.test": true, "Ann <ann@example.test>": false, "ann": false, "": false,
		"ann@example.test\r\nBcc: x@y.z": false, strings.Repeat("a", 60) + "@b.test": false,
	} {
		if got := party.ValidEmail(address); got != ok {
			t.Errorf("%q: %v", address, got)
		}
	}
}

func TestEmailKeys(t *testing.T) {
	for _, same := range [][]string{
		{"ann@example.test", " Ann@Example.Test ", "ANN@EXAMPLE.TEST"},
		{
			"ann@bücher.example", "Ann@BÜCHER.example", "ann@bu\u0308cher.example", "ann@xn--bcher-kva.example",
			"ann@XN--BCHER-KVA.EXAMPLE",
		},
		{"ann@[192.0.2.1]", "Ann@[192.0.2.1]"},
		{"ann@a_b.example", "ann@A_B.example"}, // not a host name
		{"ann", "ANN"},
		{"@bücher.example", "@BÜCHER.example", "@xn--bcher-kva.example"}, // not an address, but it has a domain
	} {
		for _, spelling := range same {
			if got, want := party.EmailKey(spelling), party.EmailKey(same[0]); got != want {
				t.Errorf("the key of %q is %q, want %q", spelling, got, want)
			}
		}
	}
	if got := party.EmailKey("Ann@[192.0.2.1]"); got != "ann@[192.0.2.1]" {
		t.Errorf("the key of an address with an IP address is %q", got)
	}
	seen := map[string]string{}
	for _, mailbox := range []string{
		"kim@example.test", "\u212aim@example.test", // a Kelvin sign
		"sid@example.test", "\u017fid@example.test", // a long s
		"ida@example.test", "\u0131da@example.test", "\u0130da@example.test", // a dotless i, a dotted I
		"zoë@example.test", "zoË@example.test", "straße@example.test", "strasse@example.test",
		"kim@strasse.example", "kim@straße.example", "kim@m\u0131ll.example", "kim@mill.example",
		"a@b@example.test", "a@example.test",
	} {
		key := party.EmailKey(mailbox)
		if other, found := seen[key]; found {
			t.Errorf("%q and %q share the key %q", mailbox, other, key)
		}
		seen[key] = mailbox
	}
	// Only ASCII letters fold to other letters.
	for r := rune(unicode.MaxASCII + 1); r <= unicode.MaxRune; r++ {
		if unicode.SimpleFold(r) == r {
			continue
		}
		if got, want := party.EmailKey("x"+string(r)+"@example.test"), "x"+string(r)+"@example.test"; got != want {
			t.Fatalf("the key of %U is %q", r, got)
		}
	}
}

func TestClocksMoveForwardInTheSandboxOnly(t *testing.T) {
	sandbox := party.Caller{Sandbox: true}
	moved, err := sandbox.Advance(168 * time.Hour)
	if err != nil || moved.ClockOffset != 168*time.Hour {
		t.Fatalf("advanced to %v, %v", moved.ClockOffset, err)
	}
	if moved, err = moved.ResetClock(); err != nil || moved.ClockOffset != 0 {
		t.Fatalf("reset to %v, %v", moved.ClockOffset, err)
	}
	for _, by := range []time.Duration{0, -time.Hour, 100 * 366 * 24 * time.Hour} {
		if _, err := sandbox.Advance(by); err == nil {
			t.Errorf("advanced by %v", by)
		}
	}
	live := party.Caller{}
	for _, err := range []error{second(live.Advance(time.Hour)), second(live.ResetClock())} {
		if e, ok := errors.AsType[*holdfast.Error](err); !ok || e.Code != holdfast.AccessFailure {
			t.Errorf("a live clock: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
