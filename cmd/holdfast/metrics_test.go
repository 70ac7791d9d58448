package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// Metrics are on a listener of their own and on no other. Each door is counted,
// and promtool finds no fault in a scrape.
func TestServeMetrics(t *testing.T) {
	address := freeAddress(t)
	listen, _ := startVerb(t, "serve", "--listen", freePort, "--store", filepath.Join(t.TempDir(), "s.db"), "--metrics",
		address)
	for at, want := range map[string]int{
		address + "/metrics": http.StatusOK, address + "/": http.StatusNotFound, address + "/healthz": http.StatusNotFound,
	} {
		if got := ask(t, http.DefaultClient, http.MethodGet, "http://"+at, ""); got.status != want {
			t.Errorf("%s is answered with %d, want %d", at, got.status, want)
		}
	}
	if got := ask(t, http.DefaultClient, http.MethodGet, "http://"+listen+"/metrics", ""); got.status == http.StatusOK {
		t.Errorf("metrics are for everybody:\n%s", got.body)
	}
	for _, path := range []string{
		"/?Action=Reserve", "/?Action=Made-up", "/healthz", "/account/sign-in", "/account/made-up",
		"/cobranded-ui/actions/start", "/certs/made-up", "/doc/", "/sandbox-inbox/",
	} {
		ask(t, http.DefaultClient, http.MethodGet, "http://"+listen+path, "")
	}
	scrape := ask(t, http.DefaultClient, http.MethodGet, "http://"+address+"/metrics", "").body
	for _, want := range []string{
		`holdfast_requests_total{action="Reserve",code="AuthFailure",door="api",result="refused"} 1`,
		`holdfast_requests_total{action="unknown",`,
		`holdfast_requests_total{action="GET",code="200",door="health",result="success"} 1`,
		`holdfast_requests_total{action="GET /account/sign-in",code="200",door="account",result="success"} 1`,
		`holdfast_requests_total{action="/",code="404",door="account",result="refused"} 1`,
		`holdfast_requests_total{action="GET /cobranded-ui/actions/start",`,
		`holdfast_requests_total{action="GET",code="404",door="certificates",result="refused"} 1`,
		`holdfast_requests_total{action="GET",code="200",door="manual",result="success"} 1`,
		`holdfast_build_info{goversion="go`,
		"holdfast_store_up 1",
		`holdfast_commit_actions_total{queue="foreground"}`,
		`holdfast_commit_queue_length{queue="background"} 0`,
		"holdfast_disk_free_bytes ",
		"holdfast_sqlite_log_bytes ",
	} {
		if !strings.Contains(scrape, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	if strings.Contains(scrape, `holdfast_commits_total{result="committed"} 0`) {
		t.Error("the engine's commits are not counted: the start writes a signing key")
	}
	if strings.Contains(scrape, "ade-up") {
		t.Error("the metrics have names that a client made up")
	}
	holdfasttest.Promtool(t, scrape, "check", "metrics")
}
