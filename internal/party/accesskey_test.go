package party_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestStateOfAKey(t *testing.T) {
	now := keyCreated.Add(time.Hour)
	for _, row := range []struct {
		key   party.AccessKey
		state party.KeyState
		err   error
	}{
		{party.AccessKey{}, party.KeyActive, nil},
		{party.AccessKey{Expires: now.Add(1)}, party.KeyActive, nil},
		{party.AccessKey{Expires: now}, party.KeyExpired, party.ErrKeyExpired},
		{party.AccessKey{ReplacedBy: "HF2", Expires: now.Add(1)}, party.KeyReplaced, nil},
		{party.AccessKey{ReplacedBy: "HF2", Expires: now}, party.KeyExpired, party.ErrKeyExpired},
		{party.AccessKey{Revoked: now.Add(-1), Expires: now}, party.KeyRevoked, party.ErrKeyRevoked},
		{party.AccessKey{Revoked: now.Add(time.Hour)}, party.KeyRevoked, party.ErrKeyRevoked}, // the clock was set back
	} {
		if err := row.key.Usable(now); !errors.Is(err, row.err) || row.key.State(now) != row.state {
			t.Errorf("%+v is %s with %v, want %s with %v", row.key, row.key.State(now), err, row.state, row.err)
		}
		bearer := party.JSONKey{
			Expires: row.key.Expires, Revoked: row.key.Revoked, ReplacedBy: party.JSONKeyID(row.key.ReplacedBy),
		}
		if err := bearer.Usable(now); !errors.Is(err, row.err) || bearer.State(now) != row.state {
			t.Errorf("a JSON key like it is %s with %v, want %s with %v", bearer.State(now), err, row.state, row.err)
		}
	}
}

func TestNewestUsable(t *testing.T) {
	now := keyCreated.Add(time.Hour)
	key := func(id string, age time.Duration, revoked bool) party.AccessKey {
		k := party.AccessKey{ID: id, Created: now.Add(-age)}
		if revoked {
			k.Revoked = now
		}
		return k
	}
	old, young := key("old", time.Hour, false), key("young", time.Minute, false)
	ended := key("ended", time.Second, true)
	for _, row := range []struct {
		keys []party.AccessKey
		want string
	}{
		{nil, ""},
		{[]party.AccessKey{ended}, ""},
		{[]party.AccessKey{old, young, ended}, "young"},
		{[]party.AccessKey{ended, young, old}, "young"},
		{[]party.AccessKey{old, ended}, "old"},
	} {
		if got, found := party.NewestUsable(row.keys, now); got.ID != row.want || found != (row.want != "") {
			t.Errorf("the newest of %+v is %q, %t; want %q", row.keys, got.ID, found, row.want)
		}
	}
}
