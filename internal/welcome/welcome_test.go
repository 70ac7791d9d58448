package welcome_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/internal/welcome"
)

func TestThePageNamesWhatThereIs(t *testing.T) {
	for _, words := range webui.AllWords() {
		for path, status := range map[string]int{"/": http.StatusOK, "/nonsense": http.StatusNotFound} {
			for _, inbox := range []string{"", "/inbox/"} {
				s := &welcome.Server{
					API: "https://pay.example.test/", Account: "/account/", Inbox: inbox, Manual: "/doc/", Schema: "/doc/schema.xsd",
					Log: slog.New(slog.DiscardHandler),
				}
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Header.Set("Accept-Language", words.Tag())
				w := httptest.NewRecorder()
				s.Handler().ServeHTTP(w, r)
				body := w.Body.String()
				if w.Code != status || w.Header().Get("Content-Language") != words.Tag() {
					t.Errorf("%s in %s: status %d in %s", path, words.Tag(), w.Code, w.Header().Get("Content-Language"))
				}
				for _, link := range []string{
					`href="/account/"`, `href="/doc/"`, `href="/doc/schema.xsd"`, "https://pay.example.test/",
				} {
					if !strings.Contains(body, link) {
						t.Errorf("%s in %s does not name %s", path, words.Tag(), link)
					}
				}
				if strings.Contains(body, `href="/inbox/"`) != (inbox != "") {
					t.Errorf("%s in %s: the link to the inbox is wrong", path, words.Tag())
				}
				if strings.Contains(body, words.T("layout.protected")) || strings.Contains(body, words.T("layout.foot")) {
					t.Errorf("%s in %s calls itself a checkout", path, words.Tag())
				}
			}
		}
	}
}
