package console_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// failing adds notifications of the shop whose last try has failed at a host.
func (s *site) failing(host string, subjects ...holdfast.TransactionID) {
	s.t.Helper()
	now := s.CallerNow()
	err := s.DB.Update(s.t.Context(), func(tx *store.Tx) error {
		for _, id := range subjects {
			n := store.Notification{
				Caller: s.Shop.ID, About: store.AboutTransaction, Transaction: id, Seq: 2, URL: "https://" + host + "/?key=s3cr3t",
				Created: now.Add(-time.Minute), NextAt: now.Add(time.Hour), LastResult: "500",
			}
			if err := tx.InsertNotification(n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// dueNow are the notifications of the shop that are due.
func (s *site) dueNow() (ids []string) {
	s.t.Helper()
	s.view(func(tx *store.ReadTx) error {
		all, err := tx.QueuedNotifications(store.NotificationPage{
			Caller: s.Shop.ID, NotificationFilter: store.NotificationFilter{List: store.ListWaiting}, Limit: 100,
		})
		for _, n := range all {
			if !n.NextAt.After(s.CallerNow()) {
				ids = append(ids, n.Subject())
			}
		}
		return err
	})
	return ids
}

// confirmed sends the form of a page with all its hidden fields.
func (b *browser) confirmed(path string) *browser {
	b.t.Helper()
	form := b.fill(path)
	for _, f := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(b.body,
		-1) {
		form.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	path, _, _ = strings.Cut(path, "?")
	return b.post(path, form)
}

// Several notifications are selected and sent again with one confirmation. Others stay
// as they are, also those of another caller.
func TestSelectedNotificationsAreSentAgain(t *testing.T) {
	s := newSite(t)
	s.failing("a.example", "1TA", "1TB", "1TC")
	other := s.OtherShop()
	b := s.as(party.RoleSupport, s.Shop.ID)
	b.get(s.caller("notifications?list=failing")).want(`name="pick-1TA-2"`, "Send selected again")
	ask := s.caller("notifications/selected?list=failing&pick-1TA-2=yes&pick-1TC-2=yes")
	b.get(ask).want("Send 2 notifications again?", "1TA-2", "1TC-2").wantNot("1TB-2")
	b.confirmed(ask).wantStatus(http.StatusOK).want("are sent again", "1TB-2")
	if got := strings.Join(s.dueNow(), " "); got != "1TC 1TA" {
		t.Errorf("due are %s", got)
	}
	entries := s.entries("notification.again")
	if len(entries) != 2 || entries[0].Object == entries[1].Object {
		t.Errorf("the audit log has %+v, want an entry for each", entries)
	}

	b.get(s.caller("notifications/selected")).wantStatus(http.StatusOK).want("Nothing is selected")
	for _, wrong := range []string{"pick-1TA=yes", "pick-1TA-x=yes", "pick--2=yes"} {
		b.get(s.caller("notifications/selected?" + wrong)).wantStatus(http.StatusNotFound)
	}
	many := url.Values{}
	for n := range processor.NoticesAgainMost + 1 {
		many.Set("pick-1TA-"+strconv.Itoa(n+1), "yes")
	}
	b.get(s.caller("notifications/selected?" + many.Encode())).wantStatus(http.StatusBadRequest)
	stranger := s.as(party.RoleOwner, other.ID)
	stranger.post("c/"+string(other.ID)+"/notifications/selected", url.Values{"pick-1TB-2": {"yes"}}).
		wantStatus(http.StatusNotFound)
	packer := s.as(party.RolePacker, s.Shop.ID)
	packer.get(s.caller("notifications?list=failing")).wantNot("pick-", "Send selected again")
	packer.post(s.caller("notifications/selected"), url.Values{"pick-1TB-2": {"yes"}}).wantStatus(http.StatusForbidden)
	if got := strings.Join(s.dueNow(), " "); got != "1TC 1TA" {
		t.Errorf("due are %s", got)
	}
}

func (s *site) entries(action party.AuditAction) (found []party.AuditEntry) {
	s.t.Helper()
	s.view(func(tx *store.ReadTx) error {
		all, err := tx.AuditEntries(store.AuditQuery{Limit: 100})
		for _, e := range all {
			if e.Action == action {
				found = append(found, e)
			}
		}
		return err
	})
	return found
}

// Notifications are shown by their receiver, on the caller's page and on the server's.
func TestReceiverPages(t *testing.T) {
	s := newSite(t)
	s.failing("a.example", "1TA", "1TB")
	s.failing("B.example:8443", "1TC")
	b := s.as(party.RoleSupport, s.Shop.ID)
	b.get(s.caller("notifications?list=failing")).want("By receiver", "a.example", "b.example:8443").wantNot("s3cr3t")
	b.get(s.caller("notifications?list=failing&receiver=b.example:8443")).want("1TC-2").wantNot("1TA-2", "1TB-2")
	b.get(s.caller("notifications?list=failing&receiver=none.example")).want("All notifications have arrived")
	b.confirmed(s.caller("notifications/again?list=failing&receiver=a.example")).wantStatus(http.StatusOK)
	if got := strings.Join(s.dueNow(), " "); got != "1TB 1TA" {
		t.Errorf("due are %s", got)
	}
	operator := s.as(party.RoleSupport, "")
	operator.get("server/receivers").want("a.example", "b.example:8443", "All events have arrived")
	operator.get("server/receivers?after=a.example").want("b.example:8443", "Newer").wantNot("receiver=a.example")
	operator.get("server/receivers?receiver=a.example").want("Kiln & Co")
	operator.get("server/receivers?receiver=none.example").want("All notifications have arrived")
}

// Several deliveries of events are selected and sent again.
func TestSelectedDeliveriesAreSentAgain(t *testing.T) {
	s := newSite(t)
	e, _, err := s.Processor.CreateEndpoint(t.Context(), s.Shop, processor.NewEndpoint{
		URL: "https://hooks.example/?k=s3cr3t",
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		s.Reserved("5.00", reference(i))
	}
	if _, err := s.Processor.PlaceEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	delivered := func() (all []store.EventDelivery) {
		s.view(func(tx *store.ReadTx) (err error) {
			all, _, err = tx.Webhooks(e, store.WebhookFilter{Outcome: store.WebhookDelivered}, 10)
			return err
		})
		return all
	}
	err = s.DB.Update(t.Context(), func(tx *store.Tx) error {
		all, _, err := tx.Webhooks(e, store.WebhookFilter{}, 10)
		for _, d := range all {
			after := d.WebhookDelivery
			after.Outcome, after.Tries = store.WebhookDelivered, 1
			if err == nil {
				err = tx.WebhookTried(d.WebhookDelivery, after)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	before := delivered()
	b := s.as(party.RoleSupport, s.Shop.ID)
	one := s.caller("webhooks/" + string(e.ID))
	b.get(one).want("pick-"+string(before[0].Event.ID), "Send selected again")
	picks := fmt.Sprintf("?pick-%s=yes&pick-%s=yes", before[0].Event.ID, before[2].Event.ID)
	b.confirmed(one + "/selected" + picks).wantStatus(http.StatusOK).want("are sent again")
	left := delivered()
	if len(left) != len(before)-2 || left[0].Event.ID != before[1].Event.ID || left[1].Event.ID != before[3].Event.ID {
		t.Errorf("%d of %d deliveries are left as delivered", len(left), len(before))
	}
	if all := s.entries("endpoint.redeliver"); len(all) != 1 || all[0].After["events"] != "2" {
		t.Errorf("the audit log has %+v", all)
	}
	b.get(one + "/selected").wantStatus(http.StatusOK).want("Nothing is selected")
	b.get(s.caller("webhooks")).want("Waiting", "Given up").wantNot("s3cr3t")
	b.post(one+"/selected", url.Values{"pick-evt_none": {"yes"}}).wantStatus(http.StatusNotFound)
	s.as(party.RoleSupport, "").get("server/receivers").want("hooks.example", "/webhooks/"+string(e.ID)).wantNot("s3cr3t")
}

// A page of delivered events is bounded when many newer ones wait. It says so, and the
// next page goes on.
func TestPagesOfDeliveredEvents(t *testing.T) {
	s := newSite(t)
	e, _, err := s.Processor.CreateEndpoint(t.Context(), s.Shop, processor.NewEndpoint{URL: "https://hooks.example/"})
	if err != nil {
		t.Fatal(err)
	}
	s.Reserved("5.00", "order-1")
	if _, err := s.Processor.PlaceEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	var id payment.EventID
	err = s.DB.Update(t.Context(), func(tx *store.Tx) error {
		all, _, err := tx.Webhooks(e, store.WebhookFilter{}, 10)
		if err != nil {
			return err
		}
		id = all[0].Event.ID
		after := all[0].WebhookDelivery
		after.Outcome, after.Tries = store.WebhookDelivered, 1
		if err := tx.WebhookTried(all[0].WebhookDelivery, after); err != nil {
			return err
		}
		var waiting []int64
		for n := range store.DeliveriesReadMost {
			waiting = append(waiting, all[0].Position+1+int64(n))
		}
		return tx.QueueAgain(e.ID, waiting, s.Clock.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	b := s.as(party.RoleSupport, s.Shop.ID)
	b.get(s.caller("webhooks/" + string(e.ID) +
		"?outcome=Delivered")).want("looked through 5,000 rows").wantNot(string(id))
	b.do(http.MethodGet, b.linkWith("before="), nil)
	b.want(string(id)).wantNot("looked through")
}

// linkWith is the address of the page's link that has a text in it.
func (b *browser) linkWith(text string) string {
	b.t.Helper()
	for _, to := range b.values("href") {
		if strings.Contains(to, text) {
			return to
		}
	}
	b.t.Fatalf("%s has no link with %q", b.url, text)
	return ""
}

// The board shows the largest of all holds, however many there are. A page reads a part of
// them, says how many, and the next one keeps the largest.
func TestRiskBoardByAmount(t *testing.T) {
	at := t.TempDir() + "/holdfast.db"
	s := newSiteAt(t, at)
	s.Crowd(at, 7_000)
	s.Reserved("499.00", "the-largest") // its deadline is the last one
	b := s.as(party.RoleOwner, s.Shop.ID)
	s.Shop = s.ChangeCaller(s.Shop.ID, func(c *party.Caller) { c.Zone = "Asia/Kolkata" })
	b.get(s.caller("risk?sort=amount")).want("The largest of the first 5,000 open holds", "Read on",
		" IST. There are more.").wantNot("the-largest", "Older")
	kept := b.linkWith("kept=")
	if refresh := b.values("hx-get"); len(refresh) != 1 || !strings.Contains(refresh[0], "after=") {
		t.Errorf("the board goes on at %q", refresh)
	}
	b.do(http.MethodGet, kept, nil)
	b.want("The largest of 7,002 open holds", "the-largest").wantNot("Read on")
	for _, wrong := range []string{"below=x", "below=1", "below=-1.a", "read=x", "read=-1", "kept=" +
		strings.Repeat("a.", 60)} {
		b.get(s.caller("risk?sort=amount&" + wrong)).wantStatus(http.StatusNotFound)
	}
	// Ids that are not holds of the caller are left out.
	b.get(s.caller("risk?sort=amount&within=6&kept=x.y")).wantStatus(http.StatusOK)
	var last payment.Hold
	s.view(func(tx *store.ReadTx) error {
		found, _, _, err := tx.LargestHolds(store.LargestQuery{
			HoldListing: store.HoldListing{
				Caller: s.Shop.ID, Now: s.CallerNow(), HoldFilter: payment.HoldFilter{State: payment.HoldHeld},
			}, Rows: 100_000, Limit: 50,
		})
		last = found[49]
		return err
	})
	b.do(http.MethodGet, kept, nil)
	b.want(string(last.Root().Reference))
	b.do(http.MethodGet, b.linkWith("below="), nil)
	b.want("Newer").wantNot(">" + string(last.Root().Reference) + "<")
}

// The page of a party shows its authorisations in pages. Many used ones hide an older one
// that can be used: a page looks through some of them, says so, and the next one goes on.
func TestAPartyWithManyAuthorisations(t *testing.T) {
	at := t.TempDir() + "/holdfast.db"
	s := newSiteAt(t, at)
	oldest := s.Authorize("5.00")
	s.Clock.Advance(time.Minute)
	s.Crowd(at, 3_000)
	s.Clock.Advance(time.Minute)
	for range 21 {
		s.Authorize("7.00")
	}
	var kept payment.Token
	s.view(func(tx *store.ReadTx) (err error) {
		kept, _, err = tx.Token(oldest)
		return err
	})
	b, page := s.as(party.RoleSupport, ""), "server/parties/"+string(s.Buyer.ID)
	b.get(page).want("Older", "This list shows the newest 20 rows at most.").wantNot("Newer", "looked through")
	b.do(http.MethodGet, b.linkWith("after="), nil)
	b.want("Newer", "This page looked through 5,000 rows").wantNot(string(kept.Reference))
	b.do(http.MethodGet, b.linkWith("after="), nil)
	b.want("Newer", string(kept.Reference)).wantNot("Older", "looked through")
	b.get(page + "?after=x").wantStatus(http.StatusNotFound)
	other := "server/parties/" + string(s.Owner.ID)
	b.get(other + "?after=" + string(kept.Handle())).wantStatus(http.StatusNotFound)
}

// The first page lists all callers of the server in the order of their names, a part at a
// time.
func TestCallersByPage(t *testing.T) {
	s := newSite(t)
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		for n := range 250 {
			one := s.Shop
			one.ID, one.Name = party.CallerID(fmt.Sprintf("C%03d", n)), fmt.Sprintf("shop %03d", n/2)
			if n%3 == 0 {
				one.Name = strings.ToUpper(one.Name)
			}
			if err := tx.InsertCaller(one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b := s.as(party.RoleSupport, "")
	b.get("").want("Read on", "Kiln & Co", ">C198<").wantNot(">C199<")
	b.do(http.MethodGet, b.linkWith("after="), nil)
	b.want(">C199<", ">C249<").wantNot("Read on", ">C198<")
	b.get("?after=C404").wantStatus(http.StatusNotFound)
}
