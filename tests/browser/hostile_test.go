package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Hostile texts: an older store may contain them, and a caller may send them
// with a request.
var hostileTexts = map[string]string{
	"turned":    "\u202eyrettoP neF\u202c \u2067x",
	"hebrew":    "כדים 12.34 שלום",
	"arabic":    "متجر الفخار ٩٩",
	"chinese":   strings.Repeat("東京陶芸", 10),
	"markup":    `<script>document.title="x"</script><b>"&amp;'`,
	"long":      strings.Repeat("W", 128),
	"combining": "Z" + strings.Repeat("\u0301", 60) + "oë 🏺👩\u200d🍳",
}

// unordered finds right-to-left text on a page that is not isolated from the
// text next to it, and characters that change the text direction.
const unordered = `(() => {
	const found = [], turns = /[\u202a-\u202e\u2066\u2067]/u, right = /[\p{Script=Hebrew}\p{Script=Arabic}]/u;
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const text = walk.currentNode.data;
		if (turns.test(text)) found.push("turns: " + JSON.stringify(text));
		if (right.test(text.replace(/\u2068[^\u2069]*\u2069/gu, ""))) found.push("not isolated: " + JSON.stringify(text));
	}
	return found;
})()`

// Hostile texts are in every name, on every page that shows names, in each
// language. No script runs, nothing sticks out, and no amount is reversed.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	for kind, text := range hostileTexts {
		t.Run(kind, func(t *testing.T) {
			s, p := newSite(t), openBrowser(t)
			s.nameAll(text)
			p.speaks("en")
			p.open(s.home + "/account/")
			p.fill(`input[name=email]`, s.Buyer.Email)
			p.fill(`input[name=password]`, holdfasttest.Password)
			p.submit()
			for _, language := range []string{"en", "de", "es"} {
				p.speaks(language)
				for _, place := range []string{"", "history", "authorisations", "methods", "addresses", "profile"} {
					p.open(s.home + "/account/" + place)
					p.orderly(t, fmt.Sprintf("hostile-%s-account-%s-%s", kind, place, language))
				}
				p.open(s.single(func(r *holdfast.SingleUseRequest) {
					r.CallerReference = holdfast.CallerReference("hostile-" + language)
					r.PaymentReason, r.WebsiteDescription, r.ItemTotal = string([]rune(text)[:min(len([]rune(text)), 30)]), text,
						r.TransactionAmount
				}))
				p.orderly(t, fmt.Sprintf("hostile-%s-pages-%s", kind, language))
			}
		})
	}
}

// nameAll puts a text into every name that a page may show, without any check.
func (s *site) nameAll(text string) {
	s.t.Helper()
	s.change(func(c *party.Caller) { c.Name = text })
	for _, p := range []party.Party{s.Buyer, s.Owner, s.Seller} {
		s.Change(p.ID, func(p *party.Party) { p.Name = text })
	}
	err := s.DB.Update(s.t.Context(), func(tx *store.Tx) error {
		return tx.InsertAddress(party.Address{
			ID: "AHOSTILE", Owner: s.Buyer.ID, Created: s.Clock.Now(),
			Address: holdfast.Address{
				Name: text, Line1: text, Line2: text, City: text, State: text, Zip: text, Country: text, Phone: text,
			},
		})
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.Pay(s.AuthorizeWith(s.Balance(), "8.00"), "8.00", "hostile-paid"); err != nil {
		s.t.Fatal(err)
	}
	s.multiUse()
}

// orderly checks a page with hostile text, and takes its picture.
func (p *page) orderly(t *testing.T, name string) {
	t.Helper()
	name = strings.ReplaceAll(name, "--", "-")
	if found := ask[[]string](p, unordered); len(found) > 0 {
		t.Errorf("%s: %s", name, strings.Join(slices.Compact(found), "\n"))
	}
	if title := ask[string](p, `document.title`); title == "x" {
		t.Errorf("%s: a script ran", name)
	}
	for _, v := range []viewport{phone, desktop} {
		p.size(v)
		if found := ask[[]string](p, sticksOut); len(found) > 0 {
			text, _ := json.Marshal(found)
			t.Errorf("%s: in a window %d wide these stick out: %s", name, v.width, text)
		}
	}
	p.shoot(name)
}
