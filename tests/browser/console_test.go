package browser

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// console serves the console; members are made by s.members.Add.
func (s *site) console(log *slog.Logger) http.Handler {
	s.members = &holdfasttest.Members{World: s.World}
	return (&console.Server{
		Processor: s.Processor, Store: s.DB.Reader, Sessions: s.pages.Sessions,
		System: func() console.System { return console.System{Version: "1.2.3", Started: holdfasttest.Start} },
		Now:    s.Clock.Now, Log: log,
	}).Handler()
}

// consoleName is the name under which a page of the console is inspected. Its path
// is as console.Server.Pages has it.
func consoleName(path string) string {
	return "console-page-" + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path)
}

// consoleObjects have the paths of pages about an object of the site, "payments/{id}",
// with an id in place of the name. The caller's id is put in for all pages.
func (s *site) consoleObjects() map[string]string {
	all := map[string]string{
		"c/{caller}/risk/{hold}/remind": "c/{caller}/risk/" + string(s.hold) + "/remind",
		"c/{caller}/reports/days/{day}": "c/{caller}/reports/days/" + s.CallerNow().Format(time.DateOnly),
	}
	const hold = "c/{caller}/payments/{payment}"
	for _, action := range []string{"", "/settle", "/release", "/raise", "/renew", "/refund", "/resend", "/end-token"} {
		all[hold+action] = strings.Replace(hold, "{payment}", string(s.lasting), 1) + action
	}
	const notice = "c/{caller}/notifications/{subject}/{seq}"
	all[notice] = "c/{caller}/notifications/" + string(s.hold) + "/2"
	all[notice+"/again"] = all[notice] + "/again"
	for _, action := range []string{"rotate", "revoke"} {
		all["c/{caller}/keys/{key}/"+action] = "c/{caller}/keys/" + s.Key.ID + "/" + action
	}
	const endpoint = "c/{caller}/webhooks/{endpoint}"
	for _, page := range []string{"", "/settings", "/secret", "/remove", "/again", "/selected"} {
		all[endpoint+page] = "c/{caller}/webhooks/" + string(s.endpoint) + page
	}
	const some = "c/{caller}/notifications/selected"
	all[some] = some + "?pick-" + string(s.hold) + "-2=yes"
	for _, page := range []string{"", "/again"} {
		all[endpoint+"/events/{position}"+page] = fmt.Sprintf("c/{caller}/webhooks/%s/events/%d%s", s.endpoint, s.event, page)
	}
	for _, action := range []string{"", "/standing", "/sign-out", "/erase"} {
		all["server/parties/{party}"+action] = "server/parties/" + string(s.Buyer.ID) + action
	}
	for _, of := range []string{"c/{caller}/", "server/"} {
		all[of+"members/withdraw"] = of + "members/withdraw?email=invited@example.test"
		for _, action := range []string{"", "/remove"} {
			all[of+"members/{party}"+action] = of + "members/" + string(s.colleague) + action
		}
	}
	all["c/{caller}/approvals/{approval}"] = "c/{caller}/approvals/" + string(s.approval)
	all["invitation"] = "invitation?link=" + s.invitation
	return all
}

// consoleAddress is the address of a page of the console.
func (s *site) consoleAddress(path string) string {
	s.t.Helper()
	if to, ok := s.consoleObjects()[path]; ok {
		path = to
	}
	path = strings.ReplaceAll(path, "{caller}", string(s.Shop.ID))
	if strings.Contains(path, "{") {
		s.t.Fatalf("add an address for %s to consoleObjects", path)
	}
	return s.home + console.Root + path
}

// newConsole returns a site whose network knows the world's card.
func newConsole(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.Processor.Network = s.Network
	return s
}

// furnishMembers makes a member and an invitation of the caller and of the server, and
// an action that waits for a second member.
func (s *site) furnishMembers() {
	s.t.Helper()
	s.colleague = s.Party("Casey Colleague", "colleague@example.test").ID
	s.members.Appoint(s.colleague, party.RoleFinance, s.Shop.ID)
	s.members.Appoint(s.colleague, party.RoleSupport, "")
	for _, of := range []party.CallerID{s.Shop.ID, ""} {
		link, err := s.Processor.Identity.Invite(s.t.Context(), "", identity.NewInvitation{
			Membership: party.Membership{Caller: of, Role: party.RolePacker}, Email: "invited@example.test",
		})
		if err != nil {
			s.t.Fatal(err)
		}
		s.invitation = link
	}
	call, err := processor.ByPerson("form-1", "console", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	call.Member = s.colleague
	a, err := s.Processor.AskApproval(s.t.Context(), call, party.Approval{
		Caller: s.Shop.ID, Action: party.ApproveSettle, Object: string(s.lasting), Amount: holdfasttest.USD("5.00"),
	}, processor.Wanted{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.approval = a.ID
}

// furnishConsole gives the caller holds with more and less time left, and ended ones.
func (s *site) furnishConsole() {
	s.t.Helper()
	s.OtherShop()
	for i := range 20 {
		t := s.Reserved(fmt.Sprintf("%d.00", 20+i*i%170), orderReference(100+i))
		if _, err := s.Settle(t.ID, ""); err != nil {
			s.t.Fatal(err)
		}
		if i%6 == 5 {
			s.Network.Next(holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied})
			if _, err := s.Reserve(s.Authorize("9.00"), "9.00", orderReference(200+i)); err != nil {
				s.t.Fatal(err)
			}
		}
		s.Clock.Advance(24 * time.Hour)
	}
	s.furnishWebhooks()
	for i, amount := range []string{"49.00", "1234.50", "7.25"} {
		s.hold = s.Reserved(amount, orderReference(10+i)).ID
	}
	s.Clock.Advance(5*24*time.Hour + 20*time.Hour)
	for i, amount := range []string{"310.00", "18.99"} {
		s.Reserved(amount, orderReference(20+i))
	}
	s.Clock.Advance(23 * time.Hour)
	for i := range 60 {
		s.Reserved("12.00", orderReference(30+i))
	}
	s.lasting = s.heldForActions()
	s.furnishMembers()
	if err := s.SumDays(); err != nil {
		s.t.Fatal(err)
	}
}

// furnishWebhooks gives the caller an endpoint with an event that waits, and a key of
// the JSON API.
func (s *site) furnishWebhooks() {
	s.t.Helper()
	s.JSONKey(s.Shop, processor.NewKey{})
	e, _, err := s.Processor.CreateEndpoint(s.t.Context(), s.Shop, processor.NewEndpoint{
		URL: "https://shop.example.com/hooks", Description: "The warehouse", Types: []string{"hold.*"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.endpoint = e.ID
	s.Reserved("3.00", "order-4701")
	err = s.DB.Update(s.t.Context(), func(tx *store.Tx) error {
		_, err := tx.PlaceEvents(s.Clock.Now(), 1000)
		return err
	})
	if err == nil {
		err = s.DB.View(s.t.Context(), func(tx *store.ReadTx) error {
			found, _, err := tx.Webhooks(e, store.WebhookFilter{}, 1)
			if err == nil && len(found) == 1 {
				s.event = found[0].Position
			}
			return err
		})
	}
	if err != nil || s.event == 0 {
		s.t.Fatalf("the event is at %d, %v", s.event, err)
	}
}

// heldForActions makes a hold on which every action is possible.
func (s *site) heldForActions() holdfast.TransactionID {
	s.t.Helper()
	token := s.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: s.Card.ID, Method: s.Card.Method},
		payment.Limit{Kind: payment.LimitAmount, Value: holdfasttest.USD("500.00").Micro})
	hold, err := s.Reserve(token, "120.00", "order-4801")
	if err == nil {
		_, err = s.Processor.SettleHold(s.t.Context(), s.Shop, nil, processor.SettleHold{
			Hold: hold.ID, Amount: holdfasttest.USD("40.00"), Reference: "parcel-1",
		})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return hold.ID
}

// orderReference is the reference of an order.
func orderReference(n int) holdfast.CallerReference {
	return holdfast.CallerReference(fmt.Sprintf("order-%d", 4700+n))
}

// enterConsole signs a member in and opens the console.
func (s *site) enterConsole(p *page, member party.Party) {
	s.t.Helper()
	p.open(s.home + console.Root)
	p.fill(`input[name=email]`, member.Email)
	p.fill(`input[name=password]`, holdfasttest.Password)
	p.submit()
	s.members.Prove(member)
	p.open(s.home + console.Root)
}

// Every page of the console is inspected as an owner of the server, who sees most.
func TestConsolePages(t *testing.T) {
	t.Parallel()
	s, p := newConsole(t), openBrowser(t)
	s.furnishConsole()
	olivia := s.Party("Olivia Owner", "olivia@example.test") // a short address for the pictures
	s.members.Appoint(olivia.ID, party.RoleOwner, "")
	s.enterConsole(p, olivia)
	for _, path := range (&console.Server{}).Pages() {
		p.open(s.consoleAddress(path))
		p.inspect(consoleName(path))
	}
}

// The console in German and Spanish fits, too.
func TestConsoleLanguages(t *testing.T) {
	t.Parallel()
	s, p := newConsole(t), openBrowser(t)
	s.furnishConsole()
	s.enterConsole(p, s.members.Add(party.RoleOwner, ""))
	for _, language := range []string{"de", "es"} {
		p.speaks(language)
		for _, path := range (&console.Server{}).Pages() {
			p.open(s.consoleAddress(path))
			p.fits(language + " " + path)
		}
	}
}

// The risk board replaces its rows by itself. The focus stays where it was.
func TestConsoleBoardRefreshes(t *testing.T) {
	t.Parallel()
	s, p := newConsole(t), openBrowser(t)
	s.Reserved("49.00", "order-1")
	s.enterConsole(p, s.members.Add(party.RoleOwner, s.Shop.ID))
	p.open(s.consoleAddress("c/{caller}/risk"))
	if !strings.Contains(p.text(), "order-1") {
		t.Fatal("the board does not show the hold")
	}
	s.Reserved("7.00", "order-2")
	p.tabTo(`main a[href$="/settle"]`)
	p.do("refreshing", chromedp.Evaluate[chromedp.Void](`document.querySelector("#board").dispatchEvent(new Event("refresh"))`))
	p.waitFor("refreshing", `document.querySelector("#board").textContent.includes("order-2")`)
	p.awaitFocus(`main a[href$="/settle"]`)
	p.focus()
}
