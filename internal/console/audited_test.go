package console_test

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// audited counts the entries of members in the audit log. The function that it returns
// fails the test if a form for a caller or the server has succeeded without an entry. So
// every test that sends a form tests its entry, too. A form that is sent again acts only
// once, and a form that asks for more input does not act.
func (b *browser) audited(method, path string, form url.Values) (check func()) {
	b.t.Helper()
	below, inside := strings.CutPrefix(path, console.Root)
	once := form.Get("once")
	if method != http.MethodPost || !inside || !strings.HasPrefix(below, "c/") && !strings.HasPrefix(below, "server/") ||
		once == "" || b.sent[once] {
		return func() {}
	}
	before := b.byMembers()
	return func() {
		b.t.Helper()
		if b.status >= http.StatusBadRequest {
			return
		}
		if b.sent == nil {
			b.sent = map[string]bool{}
		}
		b.sent[once] = true
		if b.byMembers() == before {
			b.t.Errorf("POST %s writes no entry into the audit log", path)
		}
	}
}

// byMembers is how many entries of the audit log are by members.
func (s *site) byMembers() (n int) {
	s.t.Helper()
	err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) error {
		all, err := tx.AuditEntries(store.AuditQuery{Limit: 1000})
		for _, e := range all {
			if e.Actor.Kind == party.ActorMember {
				n++
			}
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
