package queryapi_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// by sends a request that is signed with an access key.
func (w *world) by(key party.AccessKey) *httptest.ResponseRecorder {
	w.t.Helper()
	p := w.signed(http.MethodPost, "/", "shop", holdfast.Params{
		{Name: "Action", Value: "GetAccountBalance"}, {Name: "AWSAccessKeyId", Value: key.ID},
	}, "Signature")
	signature, err := holdfast.SignHMAC(key.Secret, holdfast.HmacSHA256,
		holdfast.StringToSign(http.MethodPost, testHost, "/", p))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.post(p, holdfast.Param{Name: "Signature", Value: signature})
}

// The door takes each key that works, and answers an ended one like one that
// never was.
func TestAccessKeysAtTheDoor(t *testing.T) {
	w := newWorld(t)
	first := party.AccessKey{ID: keys["shop"], Secret: holdfast.NewSecretKey(secret)}
	_, second, err := w.p.RotateAccessKey(t.Context(), first.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want(t, w.by(first), http.StatusOK, "AccountBalance")
	want(t, w.by(second), http.StatusOK, "AccountBalance")
	want(t, w.by(party.AccessKey{ID: second.ID, Secret: first.Secret}), http.StatusForbidden, "<Code>InvalidSignature</Code>")
	w.wait(time.Hour)
	const unknown = "<Code>InvalidClientTokenId</Code>"
	want(t, w.by(first), http.StatusForbidden, unknown)
	want(t, w.by(second), http.StatusOK, "AccountBalance")
	if _, err := w.p.RevokeAccessKey(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	want(t, w.by(second), http.StatusForbidden, unknown)
}

// A use counts only if the signature is right: access keys are public.
func TestOnlySignedRequestsAreUses(t *testing.T) {
	w := newWorld(t)
	key, err := w.p.AddAccessKey(t.Context(), "CSHOP", processor.NewAccessKey{Name: "second"})
	if err != nil {
		t.Fatal(err)
	}
	stored := func() (k party.AccessKey) {
		if err := w.db.View(t.Context(), func(tx *store.ReadTx) (err error) {
			k, _, err = tx.AccessKey(key.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return k
	}
	want(t, w.by(party.AccessKey{ID: key.ID, Secret: holdfast.NewSecretKey("wrong")}), http.StatusForbidden,
		"InvalidSignature")
	w.wait(time.Second)
	want(t, w.by(key), http.StatusOK, "AccountBalance")
	for stored().LastUsed.IsZero() && t.Context().Err() == nil {
		runtime.Gosched()
	}
	if got := stored().LastUsed; !got.Equal(processor.Micro(w.clock())) {
		t.Errorf("the last use is at %v, not now, %v", got, w.clock())
	}
}
