package party_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

var (
	keyCreated = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	keySecret  = strings.Repeat("aZ9", 14) + "b"
)

func TestKeyText(t *testing.T) {
	for prefix, sandbox := range map[string]bool{"hf_test_": true, "hf_live_": false} {
		text, hash := party.KeyText("J01", keySecret, party.Caller{Sandbox: sandbox})
		if !strings.HasPrefix(text, prefix+"J01_"+keySecret) || hash != party.KeyHash(sha256.Sum256([]byte(text))) {
			t.Errorf("the key is %s", text)
		}
		sent, err := party.ParseKey(text)
		if err != nil || sent.ID != "J01" {
			t.Errorf("%s is %+v, %v", text, sent, err)
		}
	}
}

// Every text that differs from a key in one character is refused without a
// look-up, and so is every other text.
func TestParseKeyRefuses(t *testing.T) {
	text, _ := party.KeyText("J01", keySecret, party.Caller{})
	for i := range text {
		for _, c := range []string{"", "x", "-", text[i:i+1] + "y"} {
			wrong := text[:i] + c + text[i+1:]
			if _, err := party.ParseKey(wrong); wrong != text && !errors.Is(err, party.ErrKeyUnknown) {
				t.Errorf("%s: %v", wrong, err)
			}
		}
	}
	for _, wrong := range []string{
		"", "hf_live_", "hf_live_J01", "hf_live__" + keySecret + "000000", text + "0", " " + text, text + "\n",
		"HF_LIVE_" + text[8:], "hf_live_" + strings.Repeat("J", 41) + "_" + keySecret + "000000",
	} {
		if _, err := party.ParseKey(wrong); !errors.Is(err, party.ErrKeyUnknown) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestOpen(t *testing.T) {
	live, test := party.Caller{}, party.Caller{Sandbox: true}
	text, hash := party.KeyText("J01", keySecret, live)
	other, _ := party.KeyText("J01", strings.Repeat("b", party.KeySecretSize), live)
	key := party.JSONKey{ID: "J01", Hash: hash, Created: keyCreated}
	with := func(change func(*party.JSONKey)) party.JSONKey {
		k := key
		change(&k)
		return k
	}
	for name, row := range map[string]struct {
		key    party.JSONKey
		text   string
		caller party.Caller
		want   error
	}{
		"right":             {key, text, live, nil},
		"another secret":    {key, other, live, party.ErrKeyUnknown},
		"caller of sandbox": {key, text, test, party.ErrKeyWrongMode},
		"last moment":       {with(func(k *party.JSONKey) { k.Expires = keyCreated.Add(time.Microsecond) }), text, live, nil},
		"expired":           {with(func(k *party.JSONKey) { k.Expires = keyCreated }), text, live, party.ErrKeyExpired},
		"revoked":           {with(func(k *party.JSONKey) { k.Revoked = keyCreated }), text, live, party.ErrKeyRevoked},
		"another and revoked": {
			with(func(k *party.JSONKey) { k.Revoked = keyCreated }), other, live, party.ErrKeyUnknown,
		},
	} {
		sent, err := party.ParseKey(row.text)
		if err != nil {
			t.Fatal(err)
		}
		if err := row.key.Open(sent, row.caller, keyCreated); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func TestKeyErrorsAreSentences(t *testing.T) {
	said := map[string]bool{}
	for _, e := range []party.KeyError{
		party.ErrKeyUnknown, party.ErrKeyRevoked, party.ErrKeyExpired, party.ErrKeyWrongMode,
	} {
		if text := e.Error(); said[text] || !strings.Contains(text, "key") {
			t.Errorf("%s says %q", string(e), text)
		}
		said[e.Error()] = true
	}
}

func TestParseScopes(t *testing.T) {
	for _, row := range []struct {
		names []string
		want  party.Scopes // empty if it is refused
	}{
		{[]string{"read"}, "read"},
		{[]string{"refund", "hold", "refund"}, "hold refund"},
		{[]string{"manage", "refund", "settle", "hold", "read"}, "read hold settle refund manage"},
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"read", "write"}, ""},
		{[]string{"Read"}, ""},
	} {
		got, err := party.ParseScopes(row.names)
		if got != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%q is %q, %v", row.names, got, err)
		}
		for _, scope := range party.AllScopes {
			if want := strings.Contains(" "+string(row.want)+" ", " "+string(scope)+" "); got.Has(scope) != want {
				t.Errorf("%q has %s: %v", got, scope, !want)
			}
		}
	}
}

func FuzzParseKey(f *testing.F) {
	text, _ := party.KeyText("J01", keySecret, party.Caller{Sandbox: true})
	f.Add(text)
	f.Add(text[:len(text)-1])
	f.Add("hf_live__")
	f.Add("hf_test_J_" + strings.Repeat("é", 24) + "a")
	f.Fuzz(func(t *testing.T, text string) {
		sent, err := party.ParseKey(text)
		if err != nil {
			if !errors.Is(err, party.ErrKeyUnknown) || sent != (party.SentKey{}) {
				t.Fatalf("%q: %+v, %v", text, sent, err)
			}
			return
		}
		// What is accepted is exactly what KeyText writes.
		secret := text[len("hf_test_")+len(sent.ID)+1:][:party.KeySecretSize]
		again, hash := party.KeyText(sent.ID, secret, party.Caller{Sandbox: strings.HasPrefix(text, "hf_test_")})
		if again != text {
			t.Fatalf("%q is read as %q", text, again)
		}
		key := party.JSONKey{Hash: hash}
		if err := key.Open(sent, party.Caller{Sandbox: strings.HasPrefix(text, "hf_test_")}, keyCreated); err != nil {
			t.Fatalf("%q does not open its own key: %v", text, err)
		}
	})
}
