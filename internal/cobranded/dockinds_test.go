package cobranded_test

import (
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A docKind is a kind of parameter: its description on the pages, and valid and
// invalid values. Every parameter of the kind is tried with all of them.
type docKind struct {
	words     string
	required  bool
	good, bad []string
}

const (
	docFlag   = "`True` or `False`"
	docPeriod = "a number from 1 to 1200 and `Hour`, `Day`, `Week`, `Month` or `Year`, such as `1 Month` or `90 Days`"
)

var docKinds = map[string]docKind{
	"reference":          {"text, at most 128 bytes", true, []string{long(128)}, []string{"", long(129)}},
	"optional reference": {"text, at most 128 bytes", false, []string{"", long(128)}, []string{long(129)}},
	"token":              {"text, at most 65 bytes", true, []string{long(65)}, []string{"", long(66)}},
	"text":               {"text, at most 2048 bytes", false, []string{"", long(2048)}, []string{long(2049)}},
	"one recipient":      {"a token, at most 65 bytes", false, []string{"", long(65)}, []string{long(66), "A,B"}},
	"recipients": {
		"at most 20 tokens, joined by commas", false,
		[]string{"", "A,B", numbered(20)},
		[]string{long(66), numbered(21)},
	},
	"total": {
		"amount, from 0.02 to 10000.00", true,
		[]string{"0.02", "10000"},
		[]string{"", "0.01", "10000.01", "1.005", "USD 1"},
	},
	"limit": {"amount, above 0", true, []string{"0.01", "1000000"}, []string{"", "0", "-1", "1.005"}},
	"bound": {
		"amount, above 0, at most 10000.00", false,
		[]string{"", "0.01", "100"},
		[]string{"0", "10000.01", "x"},
	},
	"amount": {"amount", false, []string{"", "0", "5.25"}, []string{"-1.00", "a lot"}},
	"percent": {
		"a percentage from 0 to 100 with at most four decimals", false,
		[]string{"", "2.5", "100"},
		[]string{"101", "x", "0.00001"},
	},
	"flag":          {docFlag, false, []string{"", "True", "false"}, []string{"yes", "1"}},
	"required flag": {docFlag, true, []string{"True", "false"}, []string{"", "yes", "1"}},
	"time": {
		"seconds since 1970, or a day or a time in ISO 8601", false,
		[]string{"", "1804118400", "2027-03-04", "2027-03-04T02:00:01+02:00"},
		[]string{"soon", "-1"},
	},
	"period": {
		docPeriod, true,
		[]string{"1 Hour", "12 months", "1200 Days"},
		[]string{"", "0 Days", "1 Fortnight", "1201 Days"},
	},
	"limit type":   {"`Count` or `Amount`", false, []string{"", "Count", "Amount"}, []string{"Sum"}},
	"limit value":  {"a whole number or an amount, above 0", false, []string{"3"}, []string{"0", "-1", "x"}},
	"limit period": {docPeriod, false, []string{"", "1 Hour"}, []string{"1 Fortnight"}},
	"amount type": {
		"`Exact`, `Maximum` or `Minimum`", false,
		[]string{"", "Exact", "Maximum", "Minimum"},
		[]string{"About"},
	},
	"currency": {"`USD`", false, []string{"", "USD"}, []string{"EUR"}},
	"methods": {
		"any of `CC`, `ACH` and `ABT`, joined by commas", false,
		[]string{"", "CC", "CC,ACH,ABT"},
		[]string{"Cash", "CC,Cash"},
	},
	"logo": {
		"an https address, or an http address on the sender's own machine", false,
		[]string{"", "https://shop.example.test/logo.png", "http://localhost/logo.png"},
		[]string{"http://shop.example.test/logo.png", "logo.png"},
	},
	"style": {"`logo` or `banner`", false, []string{"", "logo", "banner"}, []string{"poster"}},
}

func long(n int) string { return strings.Repeat("x", n) }

// numbered returns a list of n tokens.
func numbered(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = "T" + strconv.Itoa(i)
	}
	return strings.Join(ids, ",")
}

// docMinimal has the required parameters of each pipeline.
var docMinimal = map[payment.Pipeline]holdfast.Params{
	payment.PipelineSingleUse: params("callerReference", "a", "transactionAmount", "5"),
	payment.PipelineMultiUse:  params("callerReference", "a", "globalAmountLimit", "100"),
	payment.PipelineRecurring: params("callerReference", "a", "transactionAmount", "5", "recurringPeriod", "1 Month"),
	payment.PipelineRecipient: params("callerReference", "a", "recipientPaysFee", "False"),
	payment.PipelineSetupPrepaid: params(
		"callerReferenceSender", "a", "callerReferenceFunding", "b", "fundingAmount", "50"),
	payment.PipelineSetupPostpaid: params(
		"callerReferenceSender", "a", "callerReferenceSettlement", "b",
		"creditLimit", "50", "globalAmountLimit", "100"),
	payment.PipelineEditToken: params("callerReference", "a", "tokenID", "T"),
}
