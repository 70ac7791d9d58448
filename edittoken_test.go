package holdfast_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

var allEditToken = holdfast.EditTokenRequest{
	CallerReference: "c", TokenID: testToken, ReturnURL: "https://shop.test/r", PaymentReason: "tea",
	PaymentMethods:      allMethods,
	CollectEmailAddress: true, CobrandingURL: "https://shop.test/logo.png", WebsiteDescription: "Shop",
}

func TestEditTokenURLSendsEverything(t *testing.T) {
	everythingIsSet(t, allEditToken)
	sends(t, "EditToken", linkClient().EditTokenURL, allEditToken, sentByAll, map[string]string{
		"callerReference": "c", "tokenID": testToken, "collectEmailAddress": "True",
	})
	sends(t, "EditToken", linkClient().EditTokenURL, holdfast.EditTokenRequest{
		CallerReference: "c", TokenID: testToken, ReturnURL: "https://shop.test/r",
	}, map[string]string{"callerReference": "c", "tokenID": testToken, "returnURL": "https://shop.test/r"})
}

func TestEditTokenURLRefuses(t *testing.T) {
	type request = holdfast.EditTokenRequest
	token := func(id string) func(*request) { return func(r *request) { r.TokenID = holdfast.TokenID(id) } }
	refuses(t, linkClient().EditTokenURL, allEditToken, []refusal[request]{
		{"no reference", func(r *request) { r.CallerReference = "" }, "callerReference is required"},
		{"no return URL", func(r *request) { r.ReturnURL = "" }, "ReturnURL"},
		{"no token", token(""), "tokenID: a token id is missing"},
		{"token of 66 bytes", token(strings.Repeat("T", 66)), "tokenID is longer"},
		{"two tokens", token("T,U"), "tokenID is not a token id"},
	}, map[string]func(*request){"token of 65 bytes": token(strings.Repeat("T", 65))})
}
