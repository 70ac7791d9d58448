package cobranded_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

// The limits of a link are checked before anything is sorted or hashed.
func TestBoundsOfALink(t *testing.T) {
	s := newSite(t)
	ordinary := params("pipelineName", "SingleUse", "callerReference", "order-4711", "transactionAmount", "5", "returnURL",
		shopURL)
	many := func(n int) (p holdfast.Params) {
		for i := range n {
			p = append(p, params("x"+strconv.Itoa(i), "1")...)
		}
		return p
	}
	const own = 8 // callerKey, the signature's three, and the ordinary ones
	s.get(s.signed(append(ordinary[:4:4], many(200-own)...)))
	s.wantPage("sign-in")
	s.get(s.signed(append(ordinary[:4:4], many(201-own)...)))
	s.wantInvalid("The request cannot be read: there are more than 200 parameters")
	s.get(s.signed(append(ordinary[:4:4], params("x", strings.Repeat("x", 16<<10))...)))
	s.wantInvalid("The request cannot be read: the request is larger than 16 KiB")
	s.post(s.server.URL+holdfast.CoBrandedPath, params("x", strings.Repeat("x", 20<<10)))
	s.wantInvalid("The request cannot be read: the request is larger than 16 KiB")
	s.get(s.server.URL + holdfast.CoBrandedPath + "?" + strings.Repeat("a=&", 600))
	s.wantInvalid("The request cannot be read: there are more than 512 parameters")
}

// Parameters that the answer would repeat are refused at the start.
func TestDoubledParameters(t *testing.T) {
	for name, row := range map[string]struct {
		returnURL string
		more      holdfast.Params
		refused   string
	}{
		"once":                            {returnURL: shopURL},
		"twice in the return URL":         {returnURL: "http://shop.example.test/back?a=1&a=1", refused: "returnURL"},
		"two spellings in the return URL": {returnURL: "http://shop.example.test/back?a=1&A=2", refused: "returnURL"},
		"a name of the request": {
			returnURL: "http://shop.example.test/back?paymentReason=mine",
			more:      params("paymentReason", "mugs"),
		},
		"twice in the request": {
			returnURL: shopURL,
			more:      params("paymentReason", "mugs", "paymentReason", "mugs"), refused: "paymentReason",
		},
		"two spellings, one value":         {returnURL: shopURL, more: params("CallerReference", "order-4711")},
		"two spellings of callerReference": {returnURL: shopURL, more: params("CallerReference", "order-4712")},
		"two spellings, two values, of another": {
			returnURL: shopURL,
			more:      params("paymentReason", "mugs", "PaymentReason", "cups"), refused: "paymentReason",
		},
		"two spellings of what nobody knows":     {returnURL: shopURL, more: params("x", "1", "X", "2"), refused: "x"},
		"two spellings of what never comes back": {returnURL: shopURL, more: params("tokenID", "1", "TokenID", "2")},
		"two spellings that are not, by ASCII":   {returnURL: shopURL, more: params("k", "1", "\u212a", "2")},
		"a return URL with too many parameters": {
			returnURL: "http://shop.example.test/back?" + manyParams(201),
			refused:   "returnURL",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.get(s.signed(append(params("pipelineName", "SingleUse", "callerReference", "order-4711", "transactionAmount", "5",
				"returnURL", row.returnURL), row.more...)))
			if row.refused == "" {
				s.wantPage("sign-in")
				return
			}
			s.wantInvalid("The following input(s) are either invalid or absent:[" + row.refused + "]")
		})
	}
}

func manyParams(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("&p" + strconv.Itoa(i) + "=1")
	}
	return b.String()[1:]
}
