package account

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// A historyFilter selects payments of the history. The zero filter selects all.
type historyFilter struct {
	search string
	show   string // one of historyShows
	period string // a year or a month, "2026" or "2026-11"

	start, end time.Time // of the period; end is not part of it
}

// historySearchMax is the largest number of characters in a search.
const historySearchMax = 100

// A historyShow is a kind of payment that can be selected. Its label is a
// message's id.
type historyShow struct {
	value, label string
	matches      func(t payment.Transaction, reader party.ID) bool
}

var historyShows = []historyShow{
	{"", "history.show-all", func(payment.Transaction, party.ID) bool { return true }},
	{"paid", "state.paid", func(t payment.Transaction, reader party.ID) bool { return t.Flow(reader) < 0 }},
	{"received", "state.received", func(t payment.Transaction, reader party.ID) bool { return t.Flow(reader) > 0 }},
	{"refunds", "history.show-refunds", isRefund},
	{"held", "state.held", hasStatus(holdfast.StatusReserved)},
	{"pending", "state.pending", hasStatus(holdfast.StatusPending)},
	{"cancelled", "state.cancelled", hasStatus(holdfast.StatusCancelled)},
	{"failed", "state.failed", hasStatus(holdfast.StatusFailure)},
}

func isRefund(t payment.Transaction, _ party.ID) bool { return t.Kind == payment.KindRefund }

func hasStatus(s holdfast.TransactionStatus) func(payment.Transaction, party.ID) bool {
	return func(t payment.Transaction, _ party.ID) bool { return t.State.Status() == s }
}

func (f historyFilter) chosen() (s historyShow, found bool) {
	for _, s := range historyShows {
		if s.value == f.show {
			return s, true
		}
	}
	return s, false
}

// readHistoryFilter reads the filter of a link, and returns the form filled in
// with it.
func readHistoryFilter(w webui.Words, p holdfast.Params, now time.Time) (f historyFilter, form webui.Form, err error) {
	f = historyFilter{search: strings.TrimSpace(p.Get("q")), show: p.Get("show"), period: p.Get("period"), end: endOfTime}
	if _, known := f.chosen(); !known || !f.readPeriod() {
		return f, form, errNoPage
	}
	form = f.form(w, now)
	switch {
	case p.Get("refused") != "":
		form.SetError("q", w.T("form.card-number"))
	case utf8.RuneCountInString(f.search) > historySearchMax:
		form.SetError("q", w.T("form.too-long"))
	}
	return f, form, nil
}

// readPeriod finds the start and end of the period, and reports whether it is
// valid.
func (f *historyFilter) readPeriod() bool {
	if f.period == "" {
		return true
	}
	if at, err := time.Parse(yearLayout, f.period); err == nil {
		f.start, f.end = at, at.AddDate(1, 0, 0)
		return true
	}
	at, err := time.Parse(monthLayout, f.period)
	f.start, f.end = at, at.AddDate(0, 1, 0)
	return err == nil
}

const yearLayout, monthLayout = "2006", "2006-01"

// periodText formats the period for people.
func (f historyFilter) periodText(w webui.Words) string {
	if len(f.period) == len(yearLayout) {
		return f.period
	}
	return w.Month(f.start)
}

// The number of months and years that can be chosen, beginning with the current
// one.
const monthsOffered, yearsOffered = 12, 3

// periods returns the options of the period field, including the chosen one.
func (f historyFilter) periods(w webui.Words, now time.Time) []webui.Option {
	all := []webui.Option{{Label: w.T("history.any-time")}}
	var values []string
	year, month, _ := now.UTC().Date()
	for n := range monthsOffered {
		values = append(values, time.Date(year, month-time.Month(n), 1, 0, 0, 0, 0, time.UTC).Format(monthLayout))
	}
	for n := range yearsOffered {
		values = append(values, strconv.Itoa(year-n))
	}
	if f.period != "" && !slices.Contains(values, f.period) {
		values = append(values, f.period)
	}
	for _, value := range values {
		offered := historyFilter{period: value}
		offered.readPeriod()
		all = append(all, webui.Option{Value: value, Label: offered.periodText(w)})
	}
	return all
}

func (f historyFilter) form(w webui.Words, now time.Time) webui.Form {
	shows := make([]webui.Option, len(historyShows))
	for i, s := range historyShows {
		shows[i] = webui.Option{Value: s.value, Label: w.T(s.label)}
	}
	return webui.Form{
		Action: Root + "history", Submit: w.T("history.find"),
		Fields: []webui.Field{
			{
				Name: "q", Label: w.T("history.search"), Type: "search", Value: f.search,
				Hint: w.T("history.search-hint"), Autocomplete: "off", MayBeEmpty: true,
			},
			{Name: "show", Label: w.T("history.show"), Value: f.show, Options: shows, MayBeEmpty: true, Half: true},
			{
				Name: "period", Label: w.T("history.period"), Value: f.period,
				Options: f.periods(w, now), MayBeEmpty: true, Half: true,
			},
		},
	}
}

// shown are the parameters that select the filter in an address. A search that looks
// like a card number or a secret is left out.
func (f historyFilter) shown() holdfast.Params {
	if !party.LooksLikeSecret(f.search) {
		return f.params()
	}
	f.search = ""
	return append(f.params(), given("refused", "q")...)
}

// any reports whether the filter excludes anything.
func (f historyFilter) any() bool { return f.search+f.show+f.period != "" }

// address is the address of the history with this filter. Pages after the first
// begin before a given time.
func (f historyFilter) address(before time.Time) string {
	at := ""
	if !before.IsZero() {
		at = strconv.FormatInt(before.UnixMilli(), 10)
	}
	return pageURL("history", append(f.params(), given("before", at)...)...)
}

// params are the parameters that select the filter.
func (f historyFilter) params() holdfast.Params {
	return given("q", f.search, "show", f.show, "period", f.period)
}

// text describes in one line what the filter selects.
func (f historyFilter) text(w webui.Words) string {
	var parts []string
	if s, _ := f.chosen(); f.show != "" {
		parts = append(parts, w.T(s.label))
	}
	if f.period != "" {
		parts = append(parts, f.periodText(w))
	}
	if f.search != "" {
		parts = append(parts, w.T("history.chosen-search", "Text", f.search))
	}
	return strings.Join(parts, " · ")
}

// matcher returns a function that reports whether the filter selects a
// transaction of a page.
func (f historyFilter) matcher(w webui.Words, page *processor.ActivityPage) func(payment.Transaction) bool {
	show, _ := f.chosen()
	find := f.finder(w, page)
	return func(t payment.Transaction) bool { return show.matches(t, page.Account) && find(t) }
}

// finder returns a function that searches the texts that the history shows for
// a transaction, ignoring case and accents. Each word of the search must occur
// in them or be the amount.
func (f historyFilter) finder(w webui.Words, page *processor.ActivityPage) func(payment.Transaction) bool {
	type word struct {
		text   string
		amount money.Amount // the word as an amount; not given if it is not one
	}
	var words []word
	for _, text := range strings.Fields(folded(f.search)) {
		words = append(words, word{text, typedAmount(text)})
	}
	whole := typedAmount(folded(f.search))
	return func(t payment.Transaction) bool {
		if isAmountOf(t, whole) {
			return true
		}
		said := []string{otherSide(*page, t), whatFor(w, *page, t)}
		if t.Owner == page.Account {
			said = append(said, string(t.Reference))
		}
		text := folded(strings.Join(said, "\n"))
		for _, word := range words {
			if !strings.Contains(text, word.text) && word.text != folded(string(t.ID)) && !isAmountOf(t, word.amount) {
				return false
			}
		}
		return true
	}
}

func isAmountOf(t payment.Transaction, a money.Amount) bool {
	return a.Positive() && (a == t.Current() || a == t.Amount || a == t.Refunded)
}

// folded returns a text without case, accents and presentation forms.
func folded(text string) string {
	plain := strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Mn, c) {
			return -1
		}
		return c
	}, norm.NFKD.String(text))
	return cases.Fold().String(plain)
}

// currencyWords removes currency names and separators that people write with an
// amount. The text must be folded.
var currencyWords = strings.NewReplacer(
	"us$", "", "usd", "", "$", "", "’", "", "'", "", " ", "", "+", "", "−", "", "-", "",
)

// typedAmount reads a folded text as an amount in the format of any of our
// languages. The last point or comma is the decimal separator if at most two
// digits follow it.
func typedAmount(text string) (none money.Amount) {
	digits := party.PlainDigits(currencyWords.Replace(text))
	if strings.Trim(digits, "0123456789.,") != "" {
		return none
	}
	whole, cents := digits, ""
	if at := strings.LastIndexAny(digits, ".,"); at >= 0 && len(digits)-at <= len(".00") {
		whole, cents = digits[:at], digits[at+1:]
	}
	value := strings.NewReplacer(".", "", ",", "").Replace(whole)
	if value == "" && cents != "" {
		value = "0"
	}
	if cents != "" {
		value += "." + cents
	}
	amount, err := money.Parse(value, money.USD)
	if err != nil {
		return none
	}
	return amount
}
