package processor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/signed"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// opens reports whether the doors take an access key for the shop's, with its
// secret.
func opens(w *holdfasttest.World, key party.AccessKey) bool {
	w.T.Helper()
	got, err := w.Callers.ByKey(w.T.Context(), key.ID)
	if err != nil && !errors.Is(err, signed.ErrUnknownKey) {
		w.T.Fatal(err)
	}
	return err == nil && got.Caller.ID == w.Shop.ID && string(got.Key.Secret.Reveal()) == string(key.Secret.Reveal())
}

func storedAccessKey(w *holdfasttest.World, id string) (key party.AccessKey) {
	w.T.Helper()
	if err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		key, _, err = tx.AccessKey(id)
		return err
	}); err != nil {
		w.T.Fatal(err)
	}
	return key
}

// Every key of a caller works, each until its own end.
func TestSeveralAccessKeys(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Clock.Advance(time.Second)
		second, err := w.Processor.AddAccessKey(t.Context(), w.Shop.ID, processor.NewAccessKey{Name: "new shop"})
		if err != nil {
			t.Fatal(err)
		}
		short, err := w.Processor.AddAccessKey(t.Context(), w.Shop.ID, processor.NewAccessKey{Name: "test", Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		// A moved sandbox clock ends no key.
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, 48*time.Hour); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Hour - time.Microsecond)
		if !opens(w, w.Key) || !opens(w, second) || !opens(w, short) {
			t.Errorf("the keys open: %t, %t, %t", opens(w, w.Key), opens(w, second), opens(w, short))
		}
		w.Clock.Advance(time.Microsecond)
		if !opens(w, w.Key) || !opens(w, second) || opens(w, short) {
			t.Errorf("after the end of the third, the keys open: %t, %t, %t", opens(w, w.Key), opens(w, second),
				opens(w, short))
		}
		var all []party.AccessKey
		if err := w.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
			all, err = tx.AccessKeysOf(w.Shop.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if len(all) != 3 || all[0].Name != "first" || all[0].ID != w.Key.ID || len(all[0].Secret.Reveal()) != 0 {
			t.Errorf("the keys of the shop are %+v", all)
		}
		for _, wrong := range []processor.NewAccessKey{{}, {Name: "a\nb"}, {Name: "x", Life: -1}} {
			if _, err := w.Processor.AddAccessKey(t.Context(), w.Shop.ID, wrong); err == nil {
				t.Errorf("the key %+v is made", wrong)
			}
		}
		if _, err := w.Processor.AddAccessKey(t.Context(), "C-unknown", processor.NewAccessKey{Name: "x"}); err == nil {
			t.Error("a caller that does not exist gets a key")
		}
	})
}

func TestRotateAccessKey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		first, err := w.Processor.AddAccessKey(t.Context(), w.Shop.ID,
			processor.NewAccessKey{Name: "shop", Life: 90 * 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Hour)
		now := processor.Micro(w.Clock.Now())
		old, second, err := w.Processor.RotateAccessKey(t.Context(), first.ID, 2*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if got := storedAccessKey(w, first.ID); got.ReplacedBy != second.ID || !got.Expires.Equal(now.Add(2*time.Hour)) ||
			!old.Expires.Equal(got.Expires) || got.State(now) != party.KeyReplaced {
			t.Errorf("the old key is %+v", got)
		}
		if got := storedAccessKey(w, second.ID); got.Name != "shop" || got.Caller != w.Shop.ID || got.ReplacedBy != "" ||
			!got.Expires.Equal(now.Add(90*24*time.Hour)) {
			t.Errorf("the new key is %+v", got)
		}
		w.Clock.Advance(2*time.Hour - time.Microsecond)
		if !opens(w, first) || !opens(w, second) {
			t.Errorf("during the overlap, the keys open: %t, %t", opens(w, first), opens(w, second))
		}
		_, _, err = w.Processor.RotateAccessKey(t.Context(), first.ID, time.Hour)
		w.WantCode(err, holdfast.InvalidParams)
		w.Clock.Advance(time.Microsecond)
		if opens(w, first) || !opens(w, second) {
			t.Errorf("after the overlap, the keys open: %t, %t", opens(w, first), opens(w, second))
		}
		// An overlap does not make a key live longer, and without one the key ends now.
		old, third, err := w.Processor.RotateAccessKey(t.Context(), second.ID, 365*24*time.Hour)
		if err != nil || !old.Expires.Equal(second.Expires) {
			t.Errorf("the second key ends at %v, %v", old.Expires, err)
		}
		if !opens(w, third) {
			t.Error("the third key does not open")
		}
		_, fourth, err := w.Processor.RotateAccessKey(t.Context(), third.ID, 0)
		if err != nil || opens(w, third) || !opens(w, fourth) {
			t.Errorf("without an overlap, the keys open: %t, %t, %v", opens(w, third), opens(w, fourth), err)
		}
		for _, id := range []string{first.ID, "HF-unknown"} {
			_, _, err = w.Processor.RotateAccessKey(t.Context(), id, time.Hour)
			w.WantCode(err, holdfast.InvalidParams)
		}
		_, _, err = w.Processor.RotateAccessKey(t.Context(), fourth.ID, -1)
		w.WantCode(err, holdfast.InvalidParams)
	})
}

// Two operators rotate a key at once: only one replaces it.
func TestTwoRotationsOfAnAccessKey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		results := make(chan error, 2)
		for range 2 {
			go func() {
				_, _, err := w.Processor.RotateAccessKey(t.Context(), w.Key.ID, time.Hour)
				results <- err
			}()
		}
		if a, b := <-results, <-results; (a == nil) == (b == nil) {
			t.Errorf("the rotations end with %v and %v", a, b)
		}
	})
}

// A revoked key is refused at once where it was revoked, and on other servers
// after a second at most.
func TestRevokeAccessKey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		other := &signed.Callers{Find: w.DB.CallerByKey, Now: w.Clock.Now} // of another server
		if _, err := other.ByKey(t.Context(), w.Key.ID); err != nil || !opens(w, w.Key) {
			t.Fatal(err)
		}
		revoked, err := w.Processor.RevokeAccessKey(t.Context(), w.Key.ID)
		if err != nil || revoked.Revoked.IsZero() || opens(w, w.Key) {
			t.Errorf("revoked: %+v, %v; it opens: %t", revoked, err, opens(w, w.Key))
		}
		w.Clock.Advance(time.Second)
		if _, err := other.ByKey(t.Context(), w.Key.ID); !errors.Is(err, signed.ErrUnknownKey) {
			t.Errorf("on another server after a second: %v", err)
		}
		if again, err := w.Processor.RevokeAccessKey(t.Context(), w.Key.ID); err != nil ||
			!again.Revoked.Equal(revoked.Revoked) {
			t.Errorf("revoked again: %+v, %v", again, err)
		}
		_, _, err = w.Processor.RotateAccessKey(t.Context(), w.Key.ID, time.Hour)
		w.WantCode(err, holdfast.InvalidParams)
		_, err = w.Processor.RevokeAccessKey(t.Context(), "HF-unknown")
		w.WantCode(err, holdfast.InvalidParams)
	})
}

func TestTheLastUseOfAnAccessKey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		last := func() time.Time { return storedAccessKey(w, w.Key.ID).LastUsed }
		first := processor.Micro(w.Clock.Now())
		w.Processor.NoteAccessKeyUse(w.Key)
		waitUntil(w, func() bool { return last().Equal(first) })
		for range 59 {
			w.Clock.Advance(time.Second)
			w.Processor.NoteAccessKeyUse(w.Key)
			w.Processor.NoteAccessKeyUse(storedAccessKey(w, w.Key.ID))
		}
		w.Clock.Advance(time.Second)
		second := processor.Micro(w.Clock.Now())
		w.Processor.NoteAccessKeyUse(storedAccessKey(w, w.Key.ID))
		waitUntil(w, func() bool { return !last().Equal(first) })
		if got := last(); !got.Equal(second) {
			t.Errorf("the last use is at %v, want %v", got, second)
		}
	})
}
