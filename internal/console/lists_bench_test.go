package console_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

var crowded = flag.Int("crowd", 100_000, "rows of each kind in the store of BenchmarkLists")

// listed is one page of a list.
type listed struct{ name, path string }

// BenchmarkLists opens each list of the console in a store with 100,000 rows of each
// kind: the first page, pages in the middle and at the end, and each filter. The figure
// to look at is ms/page; below 100 is wanted, and the same for all pages of a list.
func BenchmarkLists(b *testing.B) {
	for name, address := range holdfasttest.Addresses(b) {
		b.Run(name, func(b *testing.B) {
			at := address(b)
			s := newSiteOn(b, holdfasttest.Open(b, at))
			operator := s.as(party.RoleOwner, "")
			crowd := s.Crowd(at, *crowded)
			if err := s.SumDays(); err != nil {
				b.Fatal(err)
			}
			for _, page := range s.lists(crowd) {
				b.Run(page.name, func(b *testing.B) { operator.open(b, page.path) })
			}
		})
	}
}

// open opens a page again and again, without a network in between.
func (b *browser) open(bench *testing.B, path string) {
	bench.Helper()
	at, err := url.Parse(b.server.URL + console.Root)
	if err != nil {
		bench.Fatal(err)
	}
	bench.ReportAllocs()
	size := 0
	for bench.Loop() {
		r := httptest.NewRequestWithContext(bench.Context(), http.MethodGet, console.Root+path, nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, c := range b.client.Jar.Cookies(at) {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		b.server.Config.Handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusFound { // a search may lead to its one result
			bench.Fatalf("%s answers %d: %s", path, w.Code, w.Body)
		}
		size = strings.Count(w.Body.String(), `<tr role="row"`) - strings.Count(w.Body.String(), `<thead`)
	}
	ms := float64(bench.Elapsed().Microseconds()) / 1000 / float64(bench.N) //nolint:forbidigo // a time, not money
	bench.ReportMetric(ms, "ms/page")
	bench.ReportMetric(float64(size), "rows/page") //nolint:forbidigo // a count
}

// lists are the pages of all lists of the console.
func (s *site) lists(c holdfasttest.Crowd) (all []listed) {
	of := func(name, path string) { all = append(all, listed{name, path}) }
	caller := func(name, path string) { of(name, s.caller(path)) }
	number := func(n int) string { return fmt.Sprintf("%09d", n) }
	middle, last := c.Count/2, c.Count-20
	// The order of the lists is the one in which holdfasttest.Crowd has made the rows.
	due := func(n int) string {
		at := s.CallerNow().Add(time.Hour + time.Duration(n)*6*time.Second)
		return fmt.Sprintf("%d.1CROWDH%s", at.UnixMicro(), number(n))
	}
	caller("overview", "")
	for filter, query := range map[string]string{
		"all": "", "6h": "&within=6", "24h": "&within=24", "72h": "&within=72", "least": "&least=490.00",
	} {
		caller("risk/"+filter, "risk?x="+query)
		caller("risk/"+filter+"/amount", "risk?sort=amount"+query)
	}
	caller("risk/middle", "risk?after="+due(middle))
	caller("risk/last", "risk?after="+due(last))
	caller("risk/amount/middle", "risk?sort=amount&after="+due(middle))
	caller("risk/amount/below", "risk?sort=amount&below=500000000.1CROWDH")
	for _, list := range store.NotificationLists {
		subject := map[bool]string{true: "CROWDGIVENUP", false: "CROWDFAILING"}[list == store.ListGivenUp]
		mark := func(n int) string {
			return fmt.Sprintf("%d.%s%s.2", s.CallerNow().Add(-time.Duration(n)*time.Second).UnixMicro(), subject, number(n))
		}
		path := "notifications?list=" + string(list)
		caller("notifications/"+string(list), path)
		caller("notifications/"+string(list)+"/middle", path+"&after="+mark(middle))
		caller("notifications/"+string(list)+"/last", path+"&after="+mark(last))
		caller("notifications/"+string(list)+"/since", path+"&since=1")
		caller("notifications/"+string(list)+"/receiver", path+"&receiver=shop.example.test")
		caller("notifications/"+string(list)+"/rare", path+"&receiver=host-"+number(middle))
	}
	hook := "webhooks/" + string(c.Endpoint.ID)
	caller("webhooks", "webhooks")
	for _, outcome := range []string{"", "Waiting", "GivenUp", "Delivered"} {
		caller("deliveries/"+outcome, hook+"?outcome="+outcome)
		caller("deliveries/"+outcome+"/middle", fmt.Sprintf("%s?outcome=%s&before=%d", hook, outcome, middle+1000))
		caller("deliveries/"+outcome+"/last", fmt.Sprintf("%s?outcome=%s&before=%d", hook, outcome, 1020))
	}
	entry := func(n int) string { return strconv.Itoa(1000 + n) }
	for _, in := range []string{s.caller("audit"), "server/audit"} {
		name := strings.Trim(regexp.MustCompile(`/C[^/]+/`).ReplaceAllString(in, "/"), "/")
		of(name, in)
		of(name+"/middle", in+"?after="+entry(middle))
		of(name+"/last", in+"?after="+entry(20))
		of(name+"/action", in+"?action=endpoint.create")
		of(name+"/rare-action", in+"?action=endpoint.test")
		of(name+"/object", in+"?object="+string(c.Endpoint.ID))
		of(name+"/since", in+"?since="+s.CallerNow().Format(time.DateOnly))
	}
	month := s.CallerNow().Format("2006-01")
	for _, path := range []string{"reports", "reports/ledger", "reports/statement"} {
		caller(path, path+"?month="+month)
	}
	caller("reports/day", "reports/days/"+s.CallerNow().Format(time.DateOnly))
	caller("reports/day-before", "reports/days/"+s.CallerNow().AddDate(0, 0, -9).Format(time.DateOnly))
	caller("find/reference", "find?q=crowd-S-"+number(middle))
	caller("find/begin", "find?q=crowd-S")
	caller("find/id", "find?q=1CROWDH"+number(middle))
	caller("find/email", "find?q="+s.Buyer.Email)
	caller("find/last4", "find?q=4242")
	of("find/server", "server/find?q=crowd-H-"+number(middle))
	caller("case", "payments/1CROWDH"+number(middle))
	of("parties", "server/parties")
	of("parties/middle", "server/parties?after=PCROWD"+number(middle))
	of("parties/last", "server/parties?after=PCROWD"+number(last))
	of("parties/find", "server/parties?q="+number(middle)+"@crowd.example.test")
	of("party", "server/parties/"+string(s.Buyer.ID))
	of("receivers", "server/receivers")
	of("receivers/middle", "server/receivers?after=host-"+number(middle))
	of("receivers/one", "server/receivers?receiver=shop.example.test")
	of("server", "server/")
	of("system", "server/system")
	of("members", "server/members")
	of("callers", "")
	for _, path := range []string{"approvals", "keys", "settings", "members"} {
		caller(path, path)
	}
	return all
}
