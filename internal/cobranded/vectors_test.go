package cobranded_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The links in docs/api/signing.md are accepted, and changed ones are refused.
func TestPublishedLinks(t *testing.T) {
	s, all := newSite(t), holdfasttest.PublishedVectors(t)
	s.allowV1()
	n := 0
	for _, v := range all.Vectors {
		if v.Kind != "link" {
			continue
		}
		n++
		key := paramsOf(v.Parameters).Get("callerKey")
		if err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
			if _, _, found, err := tx.CallerByKey(key); err != nil || found {
				return err
			}
			secret := holdfast.NewSecretKey(all.SecretAccessKey)
			return tx.InsertAccessKey(party.AccessKey{ID: key, Secret: secret, Caller: s.Shop.ID})
		}); err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(v.Sent, "42.50", "42.51", 1)
		for sent, status := range map[string]int{v.Sent: http.StatusFound, changed: http.StatusBadRequest} {
			answer := httptest.NewRecorder()
			s.pages.Handler().ServeHTTP(answer, httptest.NewRequest(v.Verb, sent, nil))
			if answer.Code != status {
				t.Errorf("%s: %d %s, want %d", v.Name, answer.Code, answer.Body, status)
			}
		}
	}
	if n < 3 {
		t.Errorf("there are %d links", n)
	}
}

func paramsOf(pairs []string) (p holdfast.Params) {
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		p = append(p, holdfast.Param{Name: name, Value: value})
	}
	return p
}
