package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// caller is the path of a page of the shop.
func (s *site) caller(path string) string { return "c/" + string(s.Shop.ID) + "/" + path }

// reference is the reference of an order.
func reference(n int) holdfast.CallerReference {
	return holdfast.CallerReference(fmt.Sprintf("order-%03d", n))
}

func TestOverview(t *testing.T) {
	s := newSite(t)
	s.Reserved("42.50", "order-1")
	s.Clock.Advance(6*24*time.Hour + time.Hour)
	s.Reserved("7.50", "order-2")
	b := s.as(party.RolePacker, s.Shop.ID)
	b.get(s.caller("")).wantStatus(http.StatusOK).want("$50.00", "2 holds", "$42.50", "1 hold", "Sandbox", "Never")
	b.wantNot("/console/server/")
}

// The charts show the daily sums, each day at its place.
func TestOverviewCharts(t *testing.T) {
	s := newSite(t)
	hold := s.Reserved("42.50", "order-1")
	s.Clock.Advance(48 * time.Hour)
	if _, err := s.Settle(hold.ID, "40.00"); err != nil {
		t.Fatal(err)
	}
	s.Network.Next(holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied})
	if _, err := s.Reserve(s.Authorize("9.00"), "9.00", "order-2"); err != nil {
		t.Fatal(err)
	}
	if err := s.SumDays(); err != nil {
		t.Fatal(err)
	}
	b := s.as(party.RoleOwner, s.Shop.ID)
	b.get(s.caller("")).wantStatus(http.StatusOK).want(
		"Settled: $40.00", "Newly held: $42.50", "Declines: 1", "Nov 25, 2026: $40.00", "Nov 23, 2026: $42.50",
		"Nov 25, 2026: 1", "Nov 24, 2026: $0.00", "Oct 27, 2026",
	)
	if bars := strings.Count(b.body, `<rect class="slot"`); bars != 4*30 {
		t.Errorf("the charts have %d days, want 120", bars)
	}
	// Each figure leads to its movements, for those who may see them.
	b.want("Last 30 days (UTC)", "Today (UTC)")
	links, operator := b.values("href"), s.as(party.RoleOperator, s.Shop.ID)
	for show, want := range map[string]string{
		"settlements": "order-1", "holds": "order-1", "declines": "order-2", "refunds": "",
	} {
		to := s.caller("reports/days/2026-10-27_2026-11-25?show=" + show)
		if !slices.Contains(links, "/console/"+to) {
			t.Errorf("the overview does not lead to %s: %q", to, links)
		}
		if page := operator.get(to).wantStatus(http.StatusOK); show != "refunds" {
			page.want(want, "Oct 27, 2026 – Nov 25, 2026")
		}
	}
	b.get(s.caller("reports/days/2026-11-25?show=declines")).wantStatus(http.StatusOK).want("order-2").wantNot("order-1")
	b.get(s.caller("reports/days/2026-11-25_x")).wantStatus(http.StatusNotFound)
	s.as(party.RolePacker, s.Shop.ID).get(s.caller("")).wantNot("/reports/days/")
	s.Clock.Advance(40 * 24 * time.Hour)
	s.as(party.RoleFinance, s.Shop.ID).get(s.caller("")).want("Settled: $0.00").wantNot("$40.00")
}

func TestRiskBoard(t *testing.T) {
	s := newSite(t)
	s.Reserved("42.50", "order-1")
	s.Reserved("99.00", "order-2")
	s.Clock.Advance(6*24*time.Hour + 2*time.Hour)
	s.Reserved("7.50", "order-3")
	b := s.as(party.RoleSupport, s.Shop.ID)
	b.get(s.caller("risk")).wantStatus(http.StatusOK).want("order-1", "22 h", "$42.50", "Ann Buyer", "order-3", "7 d 0 h")
	b.get(s.caller("risk?within=24")).want("order-1", "order-2").wantNot("order-3")
	b.get(s.caller("risk?least=50")).want("order-2").wantNot("order-1", "order-3")
	b.get(s.caller("risk?least=1.234")).wantStatus(http.StatusUnprocessableEntity).want("Give an amount")
	b.get(s.caller("risk?sort=amount"))
	if strings.Index(b.body, "order-2") > strings.Index(b.body, "order-1") {
		t.Error("the larger amount does not come first")
	}
	for _, wrong := range []string{"within=7", "after=x", "after=1", "after=-1.a", "opened=x"} {
		b.get(s.caller("risk?" + wrong)).wantStatus(http.StatusNotFound)
	}
}

// The board has pages, and each hold is on one of them.
func TestRiskBoardPages(t *testing.T) {
	s := newSite(t)
	for i := range 60 {
		s.Reserved("5.00", reference(i))
	}
	b := s.as(party.RoleOwner, s.Shop.ID)
	b.get(s.caller("risk")).want("Older").wantNot("Newer")
	first := b.body
	older := slices.DeleteFunc(b.values("href"), func(to string) bool { return !strings.Contains(to, "after=") })
	if len(older) != 1 {
		t.Fatalf("the links to older rows are %q", older)
	}
	b.do(http.MethodGet, older[0], nil)
	b.want("Newer").wantNot("Older", `hx-get=`)
	for i := range 60 {
		reference := ">" + string(reference(i)) + "<"
		if strings.Contains(first, reference) == strings.Contains(b.body, reference) {
			t.Errorf("%s is on both pages or on none", reference)
		}
	}
}

// An open board is refreshed for twenty minutes, and ends with its session.
func TestRiskBoardRefresh(t *testing.T) {
	s := newSite(t)
	s.Reserved("5.00", "order-1")
	b := s.as(party.RoleOwner, s.Shop.ID)
	b.get(s.caller("risk"))
	refresh := b.values("hx-get")
	if len(refresh) != 1 {
		t.Fatalf("the board is refreshed from %q", refresh)
	}
	s.Clock.Advance(19 * time.Minute)
	b.do(http.MethodGet, refresh[0], nil)
	if got := b.values("hx-get"); len(got) != 1 || got[0] != refresh[0] {
		t.Errorf("after 19 minutes it is refreshed from %q, want %q", got, refresh)
	}
	s.Clock.Advance(2 * time.Minute)
	b.do(http.MethodGet, refresh[0], nil)
	b.want("stopped refreshing", "order-1").wantNot("hx-get=")
	s.Clock.Advance(party.SessionIdle + 2*time.Minute)
	b.header.Set("HX-Request", "true")
	b.do(http.MethodGet, refresh[0], nil)
	if b.url.Path == account.Root+"sign-in" || b.body != "" {
		t.Errorf("the script gets %s in place of the board: %s", b.url, b.body)
	}
	if to := b.answer.Get("HX-Redirect"); !strings.HasPrefix(to, account.Root+"sign-in") {
		t.Errorf("the script is sent to %q", to)
	}
}

func TestSystemPage(t *testing.T) {
	s := newSite(t)
	s.Reserved("5.00", "order-1")
	s.Clock.Advance(26 * time.Hour)
	b := s.as(party.RoleOperator, "")
	b.get("server/system").wantStatus(http.StatusOK).want("1.2.3", "1 d 2 h ago", "SQLite", "KiB", "Never")
	s.as(party.RoleFinance, "").get("server/system").wantStatus(http.StatusForbidden).wantNot("1.2.3")
	s.as(party.RoleOwner, s.Shop.ID).get("server/system").wantStatus(http.StatusNotFound).wantNot("1.2.3")
}

func TestServerOverview(t *testing.T) {
	s := newSite(t)
	s.Reserved("42.50", "order-1")
	s.Clock.Advance(6*24*time.Hour + time.Hour)
	s.Reserved("7.50", "order-2")
	b := s.as(party.RoleSupport, "")
	b.get("server/").wantStatus(http.StatusOK).want("Kiln & Co", "$42.50", s.caller("risk"),
		"$0.00").wantNot("server/system")
	s.as(party.RoleOwner, s.Shop.ID).get("server/").wantStatus(http.StatusNotFound)
}

// Every number of an overview leads to the list of what it counts. The list of questions in
// doubt names the payment, since when it waits, and when the network is asked again.
func TestNumbersOfTheOverviewLeadToLists(t *testing.T) {
	s := newSite(t)
	s.Processor.Wait = -1
	s.Network.Next(holdfasttest.Reply{Deaf: true})
	if _, err := s.Reserve(s.Authorize("42.50"), "42.50", "order-1"); err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.DB.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.AddViolations([]payment.Finding{{
			Caller: s.Shop.ID, Table: "transactions", Row: "1TWRONG", Fault: "sum", Problem: "the sum is wrong",
		}}, s.Clock.Now(), func() store.ViolationID { return "V1" })
		return err
	}))
	b := s.as(party.RoleOwner, "")
	for _, root := range []string{s.caller(""), "server/"} {
		b.get(root).wantStatus(http.StatusOK).wantFigure("In doubt", "1")
		for _, list := range []string{"questions", "books"} {
			if !slices.Contains(b.values("href"), "/console/"+root+list) {
				t.Errorf("%s does not lead to %s", root, list)
			}
		}
		s.Clock.Advance(time.Minute)
		b.get(root+"questions").wantStatus(http.StatusOK).want("order-1", "Card network: hold?", "$42.50", "min ago",
			"In doubt", "Asked again", "holdfast network check")
		b.get(root + "questions?show=all").wantStatus(http.StatusOK).want("order-1")
		b.get(root + "questions?show=x").wantStatus(http.StatusNotFound)
		b.get(root + "questions?next=x").wantStatus(http.StatusNotFound)
		b.get(root+"books").wantStatus(http.StatusOK).want("1TWRONG", "the sum is wrong", "V1", "holdfast books acknowledge")
	}
	other := s.OtherShop().ID
	stranger := s.as(party.RoleOwner, other)
	stranger.get("c/" + string(other) + "/questions").want("No question waits").wantNot("order-1")
	stranger.get("c/" + string(other) + "/books").want("No faults").wantNot("1TWRONG")
	b = s.as(party.RoleSupport, "")
	b.get("server/").want("/console/server/receivers", "/console/server/attention", "#by-caller")
	b.get("server/attention").wantStatus(http.StatusOK).want("Nothing waits for a person")
	account := s.account("fen", s.Owner.ID)
	must(s.DB.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.SaveNetworkPayment(payment.NetworkPayment{
			Caller: s.Shop.ID, Transaction: "1TLOOK", Account: account.ID, Updated: s.Clock.Now(),
			Details: payment.Details{Attention: "captured by hand"},
		}); err != nil {
			return err
		}
		return tx.InsertPageHold(payment.PageHold{
			ID: "HLOOK", Caller: s.Shop.ID, Visit: "V1", Account: account.ID, Amount: holdfasttest.USD("9.00"),
			State: payment.PageHoldHeld, Created: s.Clock.Now(), Finding: "captured elsewhere",
		})
	}))
	b.get("server/").wantFigure("For a person to look at", "2")
	b.get("server/attention").want(s.caller("payments/1TLOOK"), "captured by hand", "HLOOK", "captured elsewhere", "fen").
		wantNot("The first")
	must(s.Processor.AcknowledgePageHold(t.Context(), "HLOOK"))
	must(s.DB.Update(t.Context(), func(tx *store.Tx) error {
		for i := range 100 {
			if err := tx.SaveNetworkPayment(payment.NetworkPayment{
				Caller: s.Shop.ID, Transaction: holdfast.TransactionID(fmt.Sprintf("1TLOOK%03d", i)), Account: account.ID,
				Updated: s.Clock.Now(), Details: payment.Details{Attention: "captured by hand"},
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	b.get("server/attention").want("The first 100")
	for language, want := range map[string]string{"de": "Unbeantwortete Fragen", "es": "Consultas a la red"} {
		b.header.Set("Accept-Language", language)
		b.get("server/questions").want(want)
	}
}

// A member reminds the caller's owner of a hold: the page asks, and the form acts.
func TestRemind(t *testing.T) {
	s := newSite(t)
	s.Processor.DueLetters = func(payment.DueNotice) (subject, text string) { return "due", "due" }
	hold := s.Reserved("42.50", "order-1").ID
	path := s.caller("risk/" + string(hold) + "/remind")
	b := s.as(party.RolePacker, s.Shop.ID)
	b.get(s.caller("risk")).want(path)
	b.get(path).wantStatus(http.StatusOK).want("order-1", "$42.50", "7 d 0 h")
	once := b.values("value")
	b.post(path, nil).wantStatus(http.StatusBadRequest)
	form := url.Values{"once": {once[len(once)-1]}}
	mails := func(on bool) {
		t.Helper()
		if _, err := s.Processor.ChangeCaller(t.Context(), s.Shop.ID, func(c party.Caller) (party.Caller, error) {
			c.WarningMails = on
			return c, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	mails(false)
	b.post(path, form).wantStatus(http.StatusUnprocessableEntity).want("switched off")
	mails(true)
	b.post(path, form).wantStatus(http.StatusOK).want("reminder")
	if want := console.Root + s.caller("risk"); b.url.Path != want {
		t.Errorf("after the reminder the browser is at %s, want %s", b.url.Path, want)
	}
	err := s.DB.View(t.Context(), func(tx *store.ReadTx) error {
		all, err := tx.WarningsOf(s.Shop.ID, hold)
		if len(all) != 1 || !all[0].Mail {
			t.Errorf("the warnings are %+v", all)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(payment.ReserveLifeMax)
	b = s.as(party.RoleOwner, s.Shop.ID)
	b.post(path, form).wantStatus(http.StatusConflict)
	b.get(s.caller("risk/nothing/remind")).wantStatus(http.StatusNotFound)
	s.as(party.RoleSupport, s.Shop.ID).get(path).wantStatus(http.StatusForbidden)
	other := s.OtherShop()
	s.as(party.RoleOwner, other.ID).get(path).wantStatus(http.StatusNotFound)
	s.as(party.RoleFinance, other.ID).get("c/" + string(other.ID) + "/risk/" + string(hold) + "/remind").
		wantStatus(http.StatusNotFound)
}

// Each page says that the store is paused, and the system page shows the servers.
func TestPausedStore(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleOwner, "")
	b.get("server/system").wantStatus(http.StatusOK).wantNot("holdfast resume")
	if err := s.DB.MarkRestored(t.Context(), s.Clock.Now(), s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	beat := store.Server{ID: "a", Version: "1.2.0", Host: "pay1", Started: s.Clock.Now(), Seen: s.Clock.Now()}
	if err := s.DB.Beat(t.Context(), beat); err != nil {
		t.Fatal(err)
	}
	b = s.as(party.RoleOperator, "") // the owner is signed out
	b.get("server/system").wantStatus(http.StatusOK).want("holdfast resume", "pay1", "1.2.0", "Another version")
	s.Clock.Advance(time.Minute)
	b.get("server/system").want("Does not respond")
	b.get(s.caller("")).want("holdfast resume")
}
