package browser

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// recipesFile is the page with the tasks of a stranger.
const recipesFile = "../../docs/console.md"

// A stranger is a person who knows only recipesFile. It has no mouse, and follows only
// links and buttons that a page shows and that the file names.
type stranger struct {
	*page
	*site
	recipes string
}

func (s *site) stranger(p *page) *stranger {
	s.t.Helper()
	text, err := os.ReadFile(recipesFile)
	if err != nil {
		s.t.Fatal(err)
	}
	return &stranger{page: p, site: s, recipes: string(text)}
}

// aim marks the first link or button with these words, not counting words that only
// screen readers read. The main part of the page comes first.
const aim = `(words => {
	const wordsOf = e => {
		const copy = e.cloneNode(true);
		copy.querySelectorAll(".unseen").forEach(x => x.remove());
		return copy.textContent.trim();
	};
	document.querySelectorAll("[data-aim]").forEach(e => e.removeAttribute("data-aim"));
	const found = ["main", "body"].flatMap(part => [...document.querySelectorAll(part + " :is(a[href], button)")])
		.find(e => e.checkVisibility() && wordsOf(e) === words);
	if (found) found.dataset.aim = "";
	return !!found;
})`

// reach goes to a link or a button by its words, with the Tab key.
func (st *stranger) reach(words string) {
	st.page.t.Helper()
	if !strings.Contains(st.recipes, "**"+words+"**") {
		st.page.t.Errorf("%s does not name %q", recipesFile, words)
	}
	quoted, err := json.Marshal(words)
	if err != nil {
		st.page.t.Fatal(err)
	}
	if !ask[bool](st.page, aim+"("+string(quoted)+")") {
		st.page.t.Fatalf("there is no link or button %q\nat %s\n%s", words, st.address(), st.text())
	}
	st.tabTo(`[data-aim]`)
}

// follow presses Enter on a link or a button.
func (st *stranger) follow(words string) {
	st.page.t.Helper()
	st.reach(words)
	st.enter(kb.Enter)
}

// write types into a field.
func (st *stranger) write(field, text string) {
	st.page.t.Helper()
	st.tabTo(`main [name=` + field + `]`)
	st.press(text)
}

// choose selects from a list with the arrow keys.
func (st *stranger) choose(field, words string) {
	st.page.t.Helper()
	st.tabTo(`main [name=` + field + `]`)
	for range 10 {
		if ask[string](st.page, `document.activeElement.selectedOptions[0].textContent.trim()`) == words {
			return
		}
		st.press(kb.ArrowDown)
	}
	st.page.t.Fatalf("the list %s has no %q\n%s", field, words, st.text())
}

// file reads the file behind a link, as the browser would.
func (st *stranger) file(words string) string {
	st.page.t.Helper()
	st.reach(words)
	r, err := http.NewRequestWithContext(st.page.t.Context(), http.MethodGet,
		ask[string](st.page, `document.activeElement.href`), nil)
	if err != nil {
		st.page.t.Fatal(err)
	}
	for _, c := range st.cookies(st.home) {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		st.page.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK ||
		!strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment") {
		st.page.t.Fatalf("%s answers %s, %v", r.URL, answer.Status, err)
	}
	return string(text)
}

// A stranger does the tasks of docs/console.md with the keyboard only. It starts at
// /console/, and types no other address.
func TestStrangersTasks(t *testing.T) {
	t.Parallel()
	if shared == nil {
		t.Skipf("%s is not set: make test sets it", BrowserEnv)
	}
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		s.Processor.Network = s.Network
		s.OtherShop()
		paid := s.Reserved("42.50", "order-4711")
		if _, err := s.Settle(paid.ID, ""); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(48 * time.Hour)
		tomorrow := s.Reserved("10.00", "order-4712")
		s.Clock.Advance(5*24*time.Hour + 12*time.Hour)
		s.Reserved("10.00", "order-4713")
		if err := s.SumDays(); err != nil {
			t.Fatal(err)
		}
		owner := s.members.Add(party.RoleOwner, "")
		st := s.stranger(openBrowser(t))
		st.open(s.home + console.Root)
		st.write("email", owner.Email)
		st.write("password", holdfasttest.Password)
		st.enter(kb.Enter)
		s.members.Prove(owner) // in place of the second factor, which has tests of its own
		st.open(s.home + console.Root)

		st.write("q", "order 4711") // Where is the money?
		st.enter(kb.Enter)
		st.wants("Hold order-4711")
		st.wants("$42.50 was taken from the buyer.")

		st.follow("Refund")
		st.write("amount", "21.25")
		st.follow("Refund")
		st.wants("$21.25 of it was refunded.")
		if got := s.Transaction(paid.ID).Refunded; got != holdfasttest.USD("21.25") {
			t.Errorf("%v was refunded", got)
		}

		st.follow("Send notifications again")
		st.follow("Send notifications again")
		st.wants("The notifications are sent again.")

		st.follow("Keys")
		st.follow("Replace")
		st.follow("Replace")
		secret := st.textOf("pre")
		if keys := s.keysWith(secret); keys != 1 {
			t.Errorf("the secret that the page shows is that of %d keys", keys)
		}

		st.follow("Risk board")
		st.choose("within", "Within 24 hours")
		st.follow("Show")
		st.wants("No open holds match.")
		st.choose("within", "Within 48 hours")
		st.follow("Show")
		st.wants("order-4712")
		if strings.Contains(st.text(), "order-4713") {
			t.Errorf("a hold of today lapses tomorrow:\n%s", st.text())
		}
		st.follow("Settle")
		st.follow("Settle")
		st.wants("$10.00 was taken from the buyer.")
		if got := s.Transaction(tomorrow.ID).Charged(); got != holdfasttest.USD("10.00") {
			t.Errorf("%v was taken", got)
		}

		st.follow("Reports")
		st.write("month", "2026-11")
		st.follow("Show")
		if text := st.file("Settlements"); !strings.Contains(text, "order-4711") || strings.Contains(text, "order-4713") {
			t.Errorf("the settlements of November are\n%s", text)
		}
		st.follow("Ledger")
		if text := st.file("hledger"); !strings.Contains(text, "order-4711") {
			t.Errorf("the books of November are\n%s", text)
		}

		st.follow("This server")
		st.follow("System")
		st.wants("holdfast restore")
	})
}

// keysWith counts the access keys of the caller that work with a secret.
func (s *site) keysWith(secret string) (n int) {
	s.t.Helper()
	var all []party.AccessKey
	err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.AccessKeysOf(s.Shop.ID)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, k := range all {
		works, err := s.Callers.ByKey(s.t.Context(), k.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		if string(works.Key.Secret.Reveal()) == secret {
			n++
		}
	}
	return n
}
