package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/signed"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// fill opens the page of a form, and returns its random key with more values.
func (b *browser) fill(path string, pairs ...string) url.Values {
	b.t.Helper()
	b.get(path).wantStatus(http.StatusOK)
	form := b.hidden(url.Values{}, "once")
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// hidden adds the value of a hidden field of the page to a form.
func (b *browser) hidden(form url.Values, name string) url.Values {
	b.t.Helper()
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(b.body)
	if found == nil {
		b.t.Fatalf("the page has no field %s:\n%s", name, b.body)
	}
	form.Set(name, found[1])
	return form
}

func (s *site) accessKeys() (all []party.AccessKey) {
	s.t.Helper()
	s.view(func(tx *store.ReadTx) (err error) {
		all, err = tx.AccessKeysOf(s.Shop.ID)
		return err
	})
	return all
}

func (s *site) view(fn func(*store.ReadTx) error) {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), fn); err != nil {
		s.t.Fatal(err)
	}
}

var secretShown = regexp.MustCompile(`<pre[^>]*>([^<]+)</pre>`)

// An access key is added, replaced and revoked. Its secret is shown once, and works.
func TestAccessKeyPages(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleOwner, s.Shop.ID)
	b.get(s.caller("keys")).wantStatus(http.StatusOK).want("first", s.Key.ID, "Everything that FPS has")

	form := b.fill(s.caller("keys/new?kind=access"), "kind", "access", "name", "new shop", "days", "90")
	b.post(s.caller("keys/new"), form).wantStatus(http.StatusOK).want("New key: new shop", "It is not shown again")
	secret := secretShown.FindStringSubmatch(b.body)[1]
	made := s.accessKeys()
	if len(made) != 2 {
		t.Fatalf("the keys are %+v", made)
	}
	key := made[0]
	if key.ID == s.Key.ID {
		key = made[1]
	}
	if got, err := s.Callers.ByKey(t.Context(), key.ID); err != nil || string(got.Key.Secret.Reveal()) != secret ||
		!key.Expires.Equal(key.Created.Add(90*24*time.Hour)) {
		t.Errorf("the key is %+v with the secret %s shown, %v", key, secret, err)
	}
	// A second click makes no second key.
	b.post(s.caller("keys/new"), form).wantStatus(http.StatusConflict).want("was sent before").wantNot(secret)
	if n := len(s.accessKeys()); n != 2 {
		t.Errorf("after a double click there are %d keys", n)
	}

	rotate := s.caller("keys/" + key.ID + "/rotate")
	b.post(rotate, b.fill(rotate, "overlap", "1")).wantStatus(http.StatusOK).want("works until", "It is not shown again")
	b.post(rotate, url.Values{"overlap": {"1"}}).wantStatus(http.StatusConflict).want("has replaced this key already")
	revoke := s.caller("keys/" + key.ID + "/revoke")
	b.post(revoke, b.fill(revoke)).wantStatus(http.StatusOK).want("The key is revoked.", "Revoked").wantNot(secret)
	if _, err := s.Callers.ByKey(t.Context(),
		key.ID); err != signed.ErrUnknownKey { //nolint:errorlint // it is not wrapped
		t.Errorf("the revoked key: %v", err)
	}
}

// A JSON key gets only what the form says.
func TestJSONKeyPages(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleOwner, s.Shop.ID)
	form := b.fill(s.caller("keys/new"), "kind", "json", "name", "warehouse", "scope-settle", "yes", "day-limit",
		"1,000.00")
	b.post(s.caller("keys/new"), form).wantStatus(http.StatusOK).want("hf_test_J", "settle")
	var keys []party.JSONKey
	s.view(func(tx *store.ReadTx) (err error) {
		keys, err = tx.JSONKeysOf(s.Shop.ID)
		return err
	})
	if len(keys) != 1 || keys[0].Scopes != "settle" || keys[0].DayLimit != holdfasttest.USD("1000") ||
		keys[0].Name != "warehouse" {
		t.Fatalf("the keys are %+v", keys)
	}
	b.get(s.caller("keys")).want("warehouse", "$1,000.00 a day").wantNot("hf_test_J")
	for field, want := range map[string]string{
		"name": "one line", "scope-settle": "at least one right", "day-limit": "such as 25.00", "days": "from 1 to",
	} {
		wrong := b.fill(s.caller("keys/new"), "kind", "json", "name", "x", "scope-settle", "yes")
		wrong.Set(field, map[string]string{"day-limit": "-1", "days": "0"}[field])
		b.post(s.caller("keys/new"), wrong).wantStatus(http.StatusUnprocessableEntity).want(want)
	}
	b.post(s.caller("keys/new"), url.Values{"kind": {"json"}, "name": {"x"}}).wantStatus(http.StatusBadRequest)
}

// A developer makes no key that may do more than a developer.
func TestKeysOfDevelopers(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleDeveloper, s.Shop.ID)
	form := b.fill(s.caller("keys/new"), "kind", "json", "name", "tools", "scope-manage", "yes", "scope-refund", "yes",
		"scope-settle", "yes")
	b.post(s.caller("keys/new"), form).wantStatus(http.StatusOK).want("hf_test_J", "manage").wantNot("refund", "settle")
	form.Set("kind", "access")
	b.post(s.caller("keys/new"), form).wantStatus(http.StatusForbidden)
	b.get(s.caller("keys/new?kind=access")).wantStatus(http.StatusForbidden)
	refunds, _ := s.JSONKey(s.Shop, processor.NewKey{Scopes: party.Scopes(party.ScopeRefund)})
	for _, id := range []string{string(refunds.ID), s.Key.ID} {
		b.get(s.caller("keys/" + id + "/rotate")).wantStatus(http.StatusForbidden)
		b.post(s.caller("keys/"+id+"/rotate"), url.Values{"overlap": {"1"}}).wantStatus(http.StatusForbidden)
	}
	b.get(s.caller("keys")).wantNot(string(refunds.ID)+"/rotate", "kind=access")
	revoke := s.caller("keys/" + s.Key.ID + "/revoke")
	b.post(revoke, b.fill(revoke)).wantStatus(http.StatusOK)
}

// failed adds a notification of the shop that was given up, and one that fails.
func (s *site) failed() (givenUp, failing store.Notification) {
	s.t.Helper()
	now := s.CallerNow()
	fail := func(ref holdfast.CallerReference, by func(*store.Tx, store.Delivery) error) (n store.Notification) {
		reserved := s.Reserved("5.00", ref)
		err := s.DB.Update(s.t.Context(), func(tx *store.Tx) error {
			all, err := tx.Notifications(s.Shop.ID, string(reserved.ID))
			if err != nil {
				return err
			}
			n = all[0]
			n.URL = "http://shop.example.test/ipn?key=s3cr3t"
			return by(tx, store.Delivery{Notification: n})
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return n
	}
	givenUp = fail("order-1", func(tx *store.Tx, d store.Delivery) error {
		return tx.GiveUpNotification(d, "500 Internal Server Error", now)
	})
	failing = fail("order-2", func(tx *store.Tx, d store.Delivery) error {
		return tx.RetryNotification(d, "no answer in 10s", now.Add(time.Hour))
	})
	return givenUp, failing
}

func (s *site) notice(n store.Notification) (found store.Notification) {
	s.t.Helper()
	s.view(func(tx *store.ReadTx) error {
		all, err := tx.Notifications(n.Caller, n.Subject())
		found = all[0]
		return err
	})
	return found
}

func TestNotificationPages(t *testing.T) {
	s := newSite(t)
	s.OtherShop()
	givenUp, failing := s.failed()
	b := s.as(party.RoleSupport, s.Shop.ID)
	b.get(s.caller("notifications")).wantStatus(http.StatusOK).
		want(failing.Subject(), "no answer in 10s", "shop.example.test").wantNot("s3cr3t", givenUp.Subject())
	b.get(s.caller("notifications?list=given-up")).want(givenUp.Subject(), "500 Internal Server Error",
		"Send all of them again").
		wantNot(failing.Subject())
	b.get(s.caller("notifications?list=other")).wantStatus(http.StatusNotFound)
	b.get(s.caller("notifications?after=x")).wantStatus(http.StatusNotFound)
	one := s.caller("notifications/" + givenUp.Subject() + "/" + strconv.Itoa(givenUp.Seq))
	b.get(one).wantStatus(http.StatusOK).want("Given up", "500 Internal Server Error").wantNot("s3cr3t")
	b.post(one+"/again", b.fill(one+"/again")).wantStatus(http.StatusOK).want("is sent again")
	if n := s.notice(givenUp); n.Outcome != store.NotificationWaiting || n.Tries != 0 {
		t.Errorf("the notification is %+v", n)
	}
	again := b.fill(s.caller("notifications/again?list=failing"), "list", "failing", "since", "24")
	b.post(s.caller("notifications/again"), again).wantStatus(http.StatusOK).want("are sent again")
	if n := s.notice(failing); n.NextAt.After(s.CallerNow()) {
		t.Errorf("the failing one is due at %v", n.NextAt)
	}

	// A packer sees them and sends none; a member of another caller sees nothing.
	packer := s.as(party.RolePacker, s.Shop.ID)
	packer.get(one).wantStatus(http.StatusOK).wantNot("Send again")
	packer.post(one+"/again", nil).wantStatus(http.StatusForbidden)
	operator := s.as(party.RoleSupport, "")
	operator.get("server/receivers").wantStatus(http.StatusOK).want("shop.example.test").wantNot("Not sent yet", "Older")
	operator.get("server/receivers?receiver=shop.example.test").wantStatus(http.StatusOK).
		want("Kiln & Co", "/notifications?list=waiting&receiver=shop.example.test").wantNot("Other")
}

// Lists are read in pages.
func TestNotificationPagesInParts(t *testing.T) {
	s := newSite(t)
	now := s.CallerNow()
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		for i := range 60 {
			n := store.Notification{
				Caller: s.Shop.ID, About: store.AboutTransaction, Transaction: holdfast.TransactionID("1T" + strconv.Itoa(100+i)),
				Seq: 2, Created: now.Add(time.Duration(i) * time.Second), NextAt: now, LastResult: "500",
			}
			if err := tx.InsertNotification(n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b := s.as(party.RoleOwner, s.Shop.ID)
	b.get(s.caller("notifications?list=failing")).want("1T159-2", "1T110-2", "Older").wantNot("1T109-2")
	older := regexp.MustCompile(`href="([^"]+after=[^"]+)"`).FindStringSubmatch(b.body)[1]
	b.get(strings.TrimPrefix(strings.ReplaceAll(older, "&amp;", "&"), "/console/")).want("1T109-2",
		"1T100-2").wantNot("1T110-2")
}

func TestWebhookPages(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleDeveloper, s.Shop.ID)
	form := b.fill(s.caller("webhooks/new"), "url", "https://shop.example.com/hook?key=s3cr3t", "types", "hold.*",
		"ordered",
		"yes")
	b.post(s.caller("webhooks/new"), form).wantStatus(http.StatusOK).want("whsec_")
	b.post(s.caller("webhooks/new"), form).wantStatus(http.StatusUnprocessableEntity).want("was sent before")
	b.post(s.caller("webhooks/new"), b.fill(s.caller("webhooks/new"), "url", "ftp://x")).
		wantStatus(http.StatusUnprocessableEntity).want("Not possible")
	b.get(s.caller("webhooks")).want("https://shop.example.com/hook", "hold.*", "One after the other").wantNot("s3cr3t")
	var endpoints []payment.Endpoint
	s.view(func(tx *store.ReadTx) (err error) {
		endpoints, err = tx.Endpoints(s.Shop.ID)
		return err
	})
	if len(endpoints) != 1 {
		t.Fatalf("the endpoints are %+v", endpoints)
	}
	one := s.caller("webhooks/" + string(endpoints[0].ID))
	held := s.Reserved("5.00", "order-1")
	if err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.PlaceEvents(s.Clock.Now(), 100)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b.get(one).wantStatus(http.StatusOK).want("hold.held", string(held.ID), "Waiting")
	b.get(one + "?outcome=GivenUp").wantStatus(http.StatusOK).wantNot("hold.held")
	event := regexp.MustCompile(`href="/console/([^"]+/events/[0-9]+)"`).FindStringSubmatch(b.get(one).body)
	if event == nil {
		t.Fatalf("there is no link to a delivery:\n%s", b.body)
	}
	b.get(event[1]).wantStatus(http.StatusOK).want("hold.held", `"order-1"`)
	b.post(event[1]+"/again", b.fill(event[1]+"/again")).wantStatus(http.StatusOK).want("is sent again")
	b.post(one+"/again", b.fill(one+"/again", "since", "24")).wantStatus(http.StatusOK).want("are sent again")

	settings := b.fill(one+"/settings", "url", "https://shop.example.com/other", "paused", "yes")
	b.post(one+"/settings", settings).wantStatus(http.StatusOK).want("is changed", "Paused", "shop.example.com/other",
		"All events")
	b.post(one+"/settings", b.fill(one+"/settings", "url", "https://shop.example.com/other")).want("Sends")
	secret := b.fill(one+"/secret", "overlap", "24")
	b.post(one+"/secret", secret).wantStatus(http.StatusOK).want("whsec_")
	b.post(one+"/secret", secret).wantStatus(http.StatusConflict).want("was sent before").wantNot("whsec_")
	b.post(one+"/secret", url.Values{"overlap": {"24"}}).wantStatus(http.StatusBadRequest)
	s.view(func(tx *store.ReadTx) error {
		e, _, err := tx.WebhookEndpoint(s.Shop.ID, endpoints[0].ID)
		if len(e.Secrets) != 2 {
			t.Errorf("after a double click the endpoint has %d secrets", len(e.Secrets))
		}
		return err
	})

	support := s.as(party.RoleSupport, s.Shop.ID)
	support.get(one).wantStatus(http.StatusOK).want("Send events again").wantNot("New secret")
	support.get(one + "/secret").wantStatus(http.StatusForbidden)
	b.post(one+"/remove", b.fill(one+"/remove")).wantStatus(http.StatusOK).want("is removed").wantNot("shop.example.com")
	b.get(one).wantStatus(http.StatusNotFound)
}

// The objects of another caller are not there, whatever the address says.
func TestObjectsOfAnotherCaller(t *testing.T) {
	s := newSite(t)
	other := s.OtherShop()
	givenUp, _ := s.failed()
	key, _ := s.JSONKey(s.Shop, processor.NewKey{})
	e, _, err := s.Processor.CreateEndpoint(t.Context(), s.Shop, processor.NewEndpoint{URL: "https://shop.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	b := s.as(party.RoleOwner, other.ID)
	for _, path := range []string{
		"keys/" + s.Key.ID + "/revoke", "keys/" + s.Key.ID + "/rotate", "keys/" + string(key.ID) + "/revoke",
		"notifications/" + givenUp.Subject() + "/2", "notifications/" + givenUp.Subject() + "/2/again",
		"webhooks/" + string(e.ID), "webhooks/" + string(e.ID) + "/secret", "webhooks/" + string(e.ID) + "/again",
		"webhooks/" + string(e.ID) + "/events/1", "webhooks/" + string(e.ID) + "/settings",
		"webhooks/" + string(e.ID) + "/remove", "webhooks/" + string(e.ID) + "/events/1/again",
	} {
		own := "c/" + string(other.ID) + "/" + path
		b.get(own).wantStatus(http.StatusNotFound)
		b.get(s.caller(path)).wantStatus(http.StatusNotFound)
		b.post(own, url.Values{"once": {strings.Repeat("A", 26)}, "overlap": {"24"}, "since": {"24"}}).
			wantStatus(http.StatusNotFound)
	}
	if n := s.notice(givenUp); n.Outcome != store.NotificationGivenUp {
		t.Errorf("the notification is %+v", n)
	}
}
