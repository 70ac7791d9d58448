package signed_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/signed"
)

// A shelf is a store of access keys that counts its reads. Every key of it
// belongs to the caller of the same name.
type shelf struct {
	mu    sync.Mutex
	keys  map[string]string // the secrets
	reads int
	err   error
	wait  chan struct{} // if it is set, reads end when it is closed
	now   time.Time

	expires time.Time // of all keys
}

func newShelf(keys ...string) *shelf {
	s := &shelf{keys: map[string]string{}, now: holdfasttest.Start}
	for _, key := range keys {
		s.keys[key] = "secret"
	}
	return s
}

func (s *shelf) callers() *signed.Callers {
	return &signed.Callers{Find: s.find, Now: func() time.Time { return s.now }}
}

func (s *shelf) find(ctx context.Context, id string) (party.Caller, party.AccessKey, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	secret, found := s.keys[id]
	if wait := s.wait; wait != nil {
		s.mu.Unlock()
		<-wait
		s.mu.Lock()
	}
	if err := errors.Join(s.err, ctx.Err()); err != nil {
		return party.Caller{}, party.AccessKey{}, false, err
	}
	key := party.AccessKey{ID: id, Secret: holdfast.NewSecretKey(secret), Caller: party.CallerID(id), Expires: s.expires}
	return party.Caller{ID: key.Caller}, key, found, nil
}

// want fails the test unless a key is found with a secret, or not found if the
// secret is empty, and the shelf was read so many times since it was made.
func (s *shelf) want(t *testing.T, c *signed.Callers, id, secret string, reads int) {
	t.Helper()
	got, err := c.ByKey(t.Context(), id)
	switch {
	case secret == "" && !errors.Is(err, signed.ErrUnknownKey):
		t.Errorf("%s is found: %+v, %v", id, got, err)
	case secret != "" && (err != nil || string(got.Key.Secret.Reveal()) != secret || string(got.Caller.ID) != id):
		t.Errorf("%s is %+v, %v", id, got, err)
	}
	if s.reads != reads {
		t.Errorf("%s: %d reads, want %d", id, s.reads, reads)
	}
}

func TestACallerIsReadOnceASecond(t *testing.T) {
	s := newShelf("A", "B")
	c := s.callers()
	s.want(t, c, "A", "secret", 1)
	s.keys["A"] = "another"
	s.want(t, c, "A", "secret", 1)
	s.want(t, c, "B", "secret", 2)
	s.now = s.now.Add(time.Second - 1)
	s.want(t, c, "A", "secret", 2)
	s.now = s.now.Add(1)
	s.want(t, c, "A", "another", 3)
	delete(s.keys, "A")
	s.now = s.now.Add(time.Second)
	s.want(t, c, "A", "", 4)
	s.want(t, c, "A", "", 5)
	s.keys["A"] = "back"
	s.want(t, c, "A", "back", 6)
}

// A key ends at its time, also where it was read before. It is not read again for
// each request.
func TestAnEndedKey(t *testing.T) {
	s := newShelf("A")
	s.expires = s.now.Add(time.Second / 2)
	c := s.callers()
	s.want(t, c, "A", "secret", 1)
	s.now = s.expires.Add(-1)
	s.want(t, c, "A", "secret", 1)
	s.now = s.expires
	s.want(t, c, "A", "", 1)
	s.now = s.now.Add(time.Second / 2)
	s.want(t, c, "A", "", 2)
	s.want(t, c, "A", "", 2)
}

// A machine's clock may be set back. What was read after the moment that it
// shows then is read again.
func TestAClockThatIsSetBack(t *testing.T) {
	s := newShelf("A")
	c := s.callers()
	s.want(t, c, "A", "secret", 1)
	s.keys["A"] = "another"
	s.now = s.now.Add(-time.Hour)
	s.want(t, c, "A", "another", 2)
	s.want(t, c, "A", "another", 2)
}

func TestForget(t *testing.T) {
	s := newShelf("A", "B")
	c := s.callers()
	s.want(t, c, "A", "secret", 1)
	s.want(t, c, "B", "secret", 2)
	delete(s.keys, "A")
	c.Forget()
	s.want(t, c, "A", "", 3)
	s.want(t, c, "B", "secret", 4)
}

// A read that began before a change is not used after it, and does not undo a
// later read.
func TestForgetDuringARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		c, wait := s.callers(), make(chan struct{})
		s.wait = wait
		go c.ByKey(t.Context(), "A") //nolint:errcheck // its answer may be of either moment
		synctest.Wait()
		s.wait, s.keys["A"] = nil, "another"
		c.Forget()
		s.want(t, c, "A", "another", 2)
		close(wait)
		synctest.Wait()
		s.want(t, c, "A", "another", 2)
	})
}

// Anybody can send access keys. Those that belong to nobody are not kept.
func TestUnknownKeysAreNotKept(t *testing.T) {
	s := newShelf()
	c := s.callers()
	for i := range 3 * signed.KeysMax {
		if _, err := c.ByKey(t.Context(), fmt.Sprint(i)); !errors.Is(err, signed.ErrUnknownKey) {
			t.Fatal(err)
		}
	}
	if c.Kept() != 0 || s.reads != 3*signed.KeysMax {
		t.Errorf("%d are kept, after %d reads", c.Kept(), s.reads)
	}
	s.want(t, c, strings.Repeat("x", 129), "", s.reads)
}

func TestManyKeysTakeLittleRoom(t *testing.T) {
	s := newShelf()
	c := s.callers()
	for i := range 3 * signed.KeysMax {
		id := fmt.Sprint(i)
		s.keys[id] = "secret"
		s.want(t, c, id, "secret", i+1)
		if c.Kept() > signed.KeysMax {
			t.Fatalf("%d are kept", c.Kept())
		}
	}
}

func TestAFailureIsNotKept(t *testing.T) {
	s := newShelf("A")
	c := s.callers()
	s.err = errors.New("the database is away")
	if _, err := c.ByKey(t.Context(), "A"); !errors.Is(err, s.err) {
		t.Errorf("the error is %v", err)
	}
	s.err = nil
	s.want(t, c, "A", "secret", 2)
}

// Requests that come during a read share it. Each of them may leave, and so may
// the one that began it.
func TestSharedReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("A")
		c := s.callers()
		s.wait = make(chan struct{})
		began, leave := context.WithCancel(t.Context())
		var found, left int
		var mu sync.Mutex
		ask := func(ctx context.Context) {
			got, err := c.ByKey(ctx, "A")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, context.Canceled):
				left++
			case err == nil && got.Caller.ID == "A":
				found++
			default:
				t.Errorf("got %+v, %v", got, err)
			}
		}
		go ask(began)
		synctest.Wait()
		for i := range 20 {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = began
			}
			go ask(ctx)
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		if left != 10 || found != 0 {
			t.Errorf("before the read has ended, %d have left and %d are answered", left, found)
		}
		close(s.wait)
		synctest.Wait()
		if found != 11 || s.reads != 1 {
			t.Errorf("%d are answered by %d reads", found, s.reads)
		}
	})
}

// If a read panics, those who wait for it are not left waiting.
func TestAReadThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := make(chan struct{})
		c := &signed.Callers{
			Now:  time.Now, //nolint:forbidigo // the bubble's
			Find: func(context.Context, string) (party.Caller, party.AccessKey, bool, error) { <-wait; panic("the roof") },
		}
		go func() {
			defer func() { _ = recover() }()
			_, _ = c.ByKey(t.Context(), "A")
		}()
		synctest.Wait()
		var err error
		go func() { _, err = c.ByKey(t.Context(), "A") }()
		synctest.Wait()
		close(wait)
		synctest.Wait()
		if err == nil || c.Kept() != 0 {
			t.Errorf("the error is %v, and %d are kept", err, c.Kept())
		}
	})
}
