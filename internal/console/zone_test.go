package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// The pages of a caller show times in its zone, with the name of the zone. In the night
// in which the clocks go back, the name tells the two hours apart.
func TestZone(t *testing.T) {
	s := newSite(t)
	in := func(zone party.Zone) {
		s.Shop = s.ChangeCaller(s.Shop.ID, func(c *party.Caller) { c.Zone = zone })
	}
	// A hold ends seven days later.
	s.Clock.Set(time.Date(2027, 10, 24, 0, 30, 0, 0, time.UTC))
	first := s.Reserved("42.50", "order-1")
	s.Clock.Advance(time.Hour)
	s.Reserved("7.50", "order-2")
	if err := s.SumDays(); err != nil {
		t.Fatal(err)
	}
	b := s.as(party.RoleOwner, s.Shop.ID)
	b.get(s.caller("risk")).want(`2027-10-31 00:30 <span class="zone">UTC</span>`)
	in("Europe/Berlin")
	b.get(s.caller("risk")).want(
		`<time datetime="2027-10-31T00:30:00Z">2027-10-31 02:30 <span class="zone">CEST</span></time>`,
		`<time datetime="2027-10-31T01:30:00Z">2027-10-31 02:30 <span class="zone">CET</span></time>`,
		"As of 2027-10-24 03:30:00 CEST.",
	)
	b.get(s.payment(first.ID)).want(`2027-10-24 02:30:00 <span class="zone">CEST</span>`, "Until 2027-10-31 02:30 CEST")
	b.get(s.caller("")).want("The charts count days of UTC, which begin at 02:00 CEST.")
	b.get(s.caller("reports?month=2027-10")).want("Days are in UTC", "Day (UTC)", "Europe/Berlin, such a day begins at 02:00.",
		"holdfast report settlements --by day --month 2027-10 --caller "+string(s.Shop.ID))
	b.get(s.caller("reports?month=2027-12")).want("such a day begins at 01:00.")
	b.get(s.caller("reports/statement?month=2027-10")).want("Europe/Berlin, such a day begins at 02:00.")
	b.get(s.caller("reports?month=2027")).want("Month (UTC)")
	b.get(s.caller("reports?month=2027-10&file=settlements"))
	if name := b.answer.Get("Content-Disposition"); !strings.Contains(name, "settlements-2027-10-utc.csv") {
		t.Errorf("the file is %s", name)
	}
	in("Asia/Kathmandu")
	b.get(s.caller("risk")).want(`2027-10-31 06:15 <span class="zone">+0545</span>`)
	b.get(s.caller("")).want("which begin at 05:45 +0545.")
	for language, want := range map[string]string{"de": "Tagen in UTC; sie beginnen um 05:45", "es": "días UTC"} {
		b.header.Set("Accept-Language", language)
		b.get(s.caller("")).want(want)
	}
	in("")
	b.get(s.caller("")).wantNot("05:45")
	b.header.Set("Accept-Language", "en")
	b.get(s.caller("reports")).want("Days are in UTC").wantNot("such a day begins")

	// Pages about all callers are in UTC.
	in("Asia/Kolkata")
	s.as(party.RoleOwner, "").get("server/find?q=ann%40example.test").wantStatus(http.StatusOK).want(
		`2027-10-24 00:30 <span class="zone">UTC</span>`,
	)
}

// The owner of a caller sets its zone.
func TestZoneSetting(t *testing.T) {
	s := newSite(t)
	change := s.caller("settings/change")
	b := s.as(party.RoleOwner, s.Shop.ID)
	b.get(s.caller("settings")).want("Time zone", "UTC")
	form := b.hidden(b.fill(change, "name", "Kiln", "zone", "Asia/Kolkata", "wait", "3s"), "seen")
	b.post(change, form).wantStatus(http.StatusOK).want("Asia/Kolkata", "3s")
	if got := s.shopNow(); got.Zone != "Asia/Kolkata" || got.Wait != 3*time.Second {
		t.Errorf("the caller is %+v", got)
	}
	b.get(change).want(`value="Asia/Kolkata"`)
	for _, wrong := range []string{"Mars", "Local", "europe/berlin"} {
		form := b.hidden(b.fill(change, "name", "Kiln", "zone", wrong), "seen")
		b.post(change, form).wantStatus(http.StatusUnprocessableEntity).want("Give the name of a time zone")
	}
	if got := s.shopNow(); got.Zone != "Asia/Kolkata" {
		t.Errorf("the caller has the zone %s", got.Zone)
	}
}
