package payment

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Query is what a person looks for, such as "order 4711", "ann@example.com" or
// "4242 12.50". One text can mean several things, so several fields can be set.
type Query struct {
	Text string // the words, with single spaces
	// References are the ways in which the text may be spelled as a reference, the
	// likeliest first. A reference that begins with one of them is found, too.
	References []holdfast.CallerReference
	// Guesses are references of which only an exact match counts, such as
	// "order-4711" for "4711".
	Guesses     []holdfast.CallerReference
	Transaction holdfast.TransactionID
	Token       holdfast.TokenID
	Event       EventID
	Visit       VisitID // or checkout
	PageHold    PageHoldID
	Network     string // the id of an object at a card network
	Email       string
	Last4       string // of a card, with Amount
	Amount      money.Amount
}

// QueryMax is the largest number of characters of a search.
const QueryMax = 200

// Errors of a search. None of them has the text in it.
var (
	ErrQueryEmpty = errors.New("give something to look for, such as an order number, an id or an e-mail address")
	ErrQueryLong  = errors.New("the text to look for is too long")
	ErrQueryCard  = errors.New("this looks like a card number: search for its last four digits and the amount")
)

// labels are words before a number or an id that say what it is. They are no part
// of it.
var labels = []string{
	"order", "no", "no.", "nr", "nr.", "number", "ref", "reference", "hold", "payment", "transaction", "token", "refund",
	"event", "checkout", "invoice", "card", "ending", "in", "with",
	"bestellung", "auftrag", "rechnung", "nummer", "karte", "zahlung", "referenz", "betrag", "mit",
	"pedido", "factura", "número", "tarjeta", "pago", "referencia", "importe", "con",
}

var (
	formTransaction = regexp.MustCompile(`^[0-9][0-9A-Z]{34}$`)
	formToken       = regexp.MustCompile(`^[0-9A-Z]{64,65}$`)
	formVisit       = regexp.MustCompile(`^V[0-9A-Z]{4,40}$`)
	formPageHold    = regexp.MustCompile(`^H[0-9A-Z]{4,40}$`)
	formNetwork     = regexp.MustCompile(`^[a-z]{2,12}_[0-9A-Za-z_]{4,}$`)
	formNumber      = regexp.MustCompile(`^[0-9]{1,12}$`)
	formLast4       = regexp.MustCompile(`^[*xX.…•]*([0-9]{4})$`)
	formAmount      = regexp.MustCompile(`^(?:\$|USD)?([0-9]{1,9}(?:[.,][0-9]{1,2})?)(?:\$|USD)?$`)
)

// ParseQuery finds out what a text may mean. It refuses a text with a card number
// in it, unless the text is the id of a transaction or a token, which has many more
// characters.
func ParseQuery(text string) (Query, error) {
	if utf8.RuneCountInString(text) > QueryMax {
		return Query{}, ErrQueryLong
	}
	text = strings.Map(func(c rune) rune {
		if c == utf8.RuneError || unicode.IsControl(c) && !unicode.IsSpace(c) {
			return -1
		}
		return c
	}, text)
	words := strings.Fields(text)
	q := Query{Text: strings.Join(words, " ")}
	if len(words) == 0 {
		return Query{}, ErrQueryEmpty
	}
	rest := withoutLabels(words)
	last := strings.TrimLeft(rest[len(rest)-1], "#")
	if len(rest) == 1 {
		q.id(last)
	}
	if q.Transaction == "" && q.Token == "" && party.LooksLikeCard(text) {
		return Query{}, ErrQueryCard
	}
	if len(rest) == 1 && party.ValidEmail(last) {
		q.Email = last
	}
	q.card(rest)
	q.references(words, rest)
	return q, nil
}

// withoutLabels leaves out the labels, but not the last word.
func withoutLabels(words []string) []string {
	kept := slices.DeleteFunc(slices.Clone(words[:len(words)-1]), func(word string) bool {
		word = strings.TrimRight(word, ":")
		return slices.ContainsFunc(labels, func(label string) bool { return holdfast.SameName(label, word) })
	})
	return append(kept, words[len(words)-1])
}

// id recognises ids by their form.
func (q *Query) id(word string) {
	switch {
	case formTransaction.MatchString(word):
		q.Transaction = holdfast.TransactionID(word)
	case formToken.MatchString(word):
		q.Token = holdfast.TokenID(word)
	case formVisit.MatchString(word):
		q.Visit = VisitID(word)
	case formPageHold.MatchString(word):
		q.PageHold = PageHoldID(word)
	}
	if _, _, ok := EventID(word).Place(); ok {
		q.Event = EventID(word)
	} else if formNetwork.MatchString(word) {
		q.Network = word
	}
}

// card recognises the last four digits of a card with an amount, in any order.
func (q *Query) card(words []string) {
	if len(words) != 2 {
		return
	}
	for _, pair := range [][2]string{{words[0], words[1]}, {words[1], words[0]}} {
		digits, amount := formLast4.FindStringSubmatch(pair[0]), formAmount.FindStringSubmatch(pair[1])
		if digits == nil || amount == nil {
			continue
		}
		a, err := money.Parse(strings.ReplaceAll(amount[1], ",", "."), money.USD)
		if err == nil && a.Positive() {
			q.Last4, q.Amount = digits[1], a
			return
		}
	}
}

// referencesMax is how many spellings of a reference are looked for.
const referencesMax = 6

// references makes the spellings of a reference: as typed, and with the separators
// that programs use.
func (q *Query) references(words, rest []string) {
	add := func(to *[]holdfast.CallerReference, text string) {
		ref := holdfast.CallerReference(strings.TrimLeft(text, "#"))
		if ref != "" && len(*to) < referencesMax && !slices.Contains(*to, ref) {
			*to = append(*to, ref)
		}
	}
	for _, separator := range []string{" ", "-", "_", ""} {
		add(&q.References, strings.Join(words, separator))
		if separator == " " {
			add(&q.References, strings.Join(rest, separator))
		}
	}
	if number := strings.TrimLeft(q.Text, "#"); formNumber.MatchString(number) {
		for _, before := range []string{"order-", "order_", "order", "Order-", "ORDER-", "#"} {
			q.Guesses = append(q.Guesses, holdfast.CallerReference(before+number))
		}
	}
}
