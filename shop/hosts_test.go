package shop_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The shop answers at its own address and at the names of the local machine.
func TestOwnHosts(t *testing.T) {
	st := newStage(t)
	own := strings.TrimPrefix(publicURL, "http://")
	for host, want := range map[string]int{
		own: http.StatusOK, strings.ToUpper(own): http.StatusOK, strings.Replace(own, ":", ".:", 1): http.StatusOK,
		"127.0.0.1:8020": http.StatusOK, "localhost:8020": http.StatusOK, "[::1]:8020": http.StatusOK,
		strings.Split(own, ":")[0]: http.StatusMisdirectedRequest, strings.Split(own, ":")[0] +
			":8020": http.StatusMisdirectedRequest, "evil.test": http.StatusMisdirectedRequest,
		"evil.test:8020": http.StatusMisdirectedRequest, "localhost.evil.test": http.StatusMisdirectedRequest,
		"192.0.2.8": http.StatusMisdirectedRequest, own + ".evil.test": http.StatusMisdirectedRequest,
		"": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/", "/bench", "/static/shop.css"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			if w := st.do(r); (w.Code == http.StatusMisdirectedRequest) != (want == http.StatusMisdirectedRequest) {
				t.Errorf("%s at %q: answered %d, want %d", path, host, w.Code, want)
			}
		}
	}
}
