package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// pipelineParams makes parameters from pairs of name and value.
func pipelineParams(pairs ...string) holdfast.Params {
	var p holdfast.Params
	for i := 0; i < len(pairs); i += 2 {
		p = append(p, holdfast.Param{Name: pairs[i], Value: pairs[i+1]})
	}
	return p
}

// minimal has the required parameters of each pipeline.
var minimal = map[payment.Pipeline]holdfast.Params{
	payment.PipelineSingleUse: pipelineParams("callerReference", "a", "transactionAmount", "5"),
	payment.PipelineMultiUse:  pipelineParams("callerReference", "a", "globalAmountLimit", "100"),
	payment.PipelineRecurring: pipelineParams("callerReference", "a", "transactionAmount", "5", "recurringPeriod",
		"1 Month"),
	payment.PipelineRecipient: pipelineParams("callerReference", "a", "recipientPaysFee", "False"),
	payment.PipelineSetupPrepaid: pipelineParams(
		"callerReferenceSender", "a", "callerReferenceFunding", "b", "fundingAmount", "50"),
	payment.PipelineSetupPostpaid: pipelineParams(
		"callerReferenceSender", "a", "callerReferenceSettlement", "b", "creditLimit", "50", "globalAmountLimit", "100"),
	payment.PipelineEditToken: pipelineParams("callerReference", "a", "tokenID", "T"),
}

// read reads a pipeline's minimal request with some parameters changed.
func read(p payment.Pipeline, changed ...string) (payment.PipelineRequest, *payment.PipelineEnd) {
	all := append(pipelineParams("pipelineName", string(p)), minimal[p]...)
	for _, c := range pipelineParams(changed...) {
		all = append(all.Without(c.Name), c)
	}
	return payment.ReadPipeline(all)
}

func TestPipelinesHaveRequiredParameters(t *testing.T) {
	for _, pipeline := range payment.Pipelines {
		t.Run(string(pipeline), func(t *testing.T) {
			if _, end := read(pipeline); end != nil {
				t.Fatalf("the minimal request is refused: %v", end)
			}
			for _, p := range minimal[pipeline] {
				_, end := read(pipeline, p.Name, "")
				if end == nil || end.Message != "The following input(s) are not well formed: ["+p.Name+"]" {
					t.Errorf("without %s: %v", p.Name, end)
				}
			}
		})
	}
}

func TestPipelinesReadTheirOwn(t *testing.T) {
	day := time.Date(2027, time.March, 4, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name     string
		pipeline payment.Pipeline
		params   []string
		want     func(*payment.PipelineRequest)
	}{
		{
			"validity in seconds", payment.PipelineMultiUse,
			[]string{"validityStart", "1804118400", "validityExpiry", "1804118401"},
			func(r *payment.PipelineRequest) {
				r.Starts, r.Expires = day, day.Add(time.Second)
			},
		},
		{
			"validity as text", payment.PipelineRecurring,
			[]string{"validityStart", "2027-03-04", "validityExpiry", "2027-03-04T02:00:01+02:00"},
			func(r *payment.PipelineRequest) {
				r.Starts, r.Expires = day, day.Add(time.Second)
			},
		},
		{
			"amount of each payment", payment.PipelineMultiUse,
			[]string{"transactionAmount", "5"},
			func(r *payment.PipelineRequest) {
				r.Amount, r.AmountType = money.Cents(500), holdfast.AmountExact
			},
		},
		{
			"least amount", payment.PipelineMultiUse,
			[]string{"transactionAmount", "5", "amountType", "Minimum"},
			func(r *payment.PipelineRequest) {
				r.Amount, r.AmountType = money.Cents(500), holdfast.AmountMinimum
			},
		},
		{"two limits", payment.PipelineMultiUse, []string{
			"usageLimitType1", "Count", "usageLimitValue1", "3", "usageLimitPeriod1", "1 Hour",
			"usageLimitType2", "Amount", "usageLimitValue2", "20.5",
		}, func(r *payment.PipelineRequest) {
			r.Usage = []payment.UsageTerms{
				{Kind: payment.LimitCount, Value: 3, Period: payment.Period{N: 1, Unit: payment.Hour}},
				{Kind: payment.LimitAmount, Value: 20_500_000},
			}
		}},
		{
			"the second limit alone", payment.PipelineSetupPostpaid,
			[]string{"usageLimitType2", "Count", "usageLimitValue2", "3", "usageLimitPeriod2", "12 Months"},
			func(r *payment.PipelineRequest) {
				r.Usage = []payment.UsageTerms{
					{Kind: payment.LimitCount, Value: 3, Period: payment.Period{N: 12, Unit: payment.Month}},
				}
			},
		},
		{
			"recipients", payment.PipelineMultiUse,
			[]string{"recipientTokenList", "R1, R2,,R1"},
			func(r *payment.PipelineRequest) {
				r.Recipients = []holdfast.TokenID{"R1", "R2"}
			},
		},
		{
			"recipient", payment.PipelineRecurring,
			[]string{"recipientToken", "R1", "isRecipientCobranding", "True"},
			func(r *payment.PipelineRequest) {
				r.Recipients, r.OfRecipient = []holdfast.TokenID{"R1"}, true
			},
		},
		{
			"ceilings", payment.PipelineRecipient,
			[]string{"maxFixedFee", "0.50", "maxVariableFee", "2.5", "recipientPaysFee", "true", "callerReferenceRefund", "r"},
			func(r *payment.PipelineRequest) {
				rate, _ := money.ParsePercent("2.5")
				r.FeeCeiling, r.PaysFee, r.Second = &payment.FeeCeiling{Fixed: money.Cents(50), Variable: rate}, true, "r"
			},
		},
		{"one ceiling", payment.PipelineRecipient, []string{"maxVariableFee", "5"}, func(r *payment.PipelineRequest) {
			rate, _ := money.ParsePercent("5")
			r.FeeCeiling = &payment.FeeCeiling{Fixed: money.Micros(0), Variable: rate}
		}},
		{
			"methods that the recipient takes", payment.PipelineRecipient,
			[]string{"paymentMethod", "CC,ABT"},
			func(r *payment.PipelineRequest) {
				r.Methods = []holdfast.PaymentMethod{holdfast.MethodCC, holdfast.MethodABT}
			},
		},
		{
			"the other name of the largest balance", payment.PipelineSetupPrepaid,
			[]string{"fundingAmount", "", "transactionAmount", "70"},
			func(r *payment.PipelineRequest) {
				r.Amount = money.Cents(7000)
			},
		},
		{
			"tokenId as samples spell it", payment.PipelineEditToken,
			[]string{"tokenID", "", "tokenId", "U"},
			func(r *payment.PipelineRequest) {
				r.Edited = "U"
			},
		},
	} {
		t.Run(string(row.pipeline)+": "+row.name, func(t *testing.T) {
			want, _ := read(row.pipeline)
			row.want(&want)
			got, end := read(row.pipeline, row.params...)
			if end != nil {
				t.Fatal(end)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPipelinesRefuse(t *testing.T) {
	long := strings.Repeat("x", 129)
	for _, row := range []struct {
		pipeline payment.Pipeline
		params   []string
		bad      string
	}{
		{payment.PipelineMultiUse, []string{"globalAmountLimit", "0"}, "globalAmountLimit"},
		{payment.PipelineMultiUse, []string{"globalAmountLimit", "1e3"}, "globalAmountLimit"},
		{payment.PipelineMultiUse, []string{"transactionAmount", "100.01"}, "transactionAmount"},
		{payment.PipelineMultiUse, []string{"transactionAmount", "0"}, "transactionAmount"},
		{payment.PipelineMultiUse, []string{"amountType", "exact"}, "amountType"},
		{payment.PipelineMultiUse, []string{"usageLimitType1", "Sum", "usageLimitValue1", "1"}, "usageLimitType1"},
		{payment.PipelineMultiUse, []string{"usageLimitType1", "Count"}, "usageLimitValue1"},
		{payment.PipelineMultiUse, []string{"usageLimitType1", "Count", "usageLimitValue1", "1.5"}, "usageLimitValue1"},
		{payment.PipelineMultiUse, []string{"usageLimitType2", "Amount", "usageLimitValue2", "-1"}, "usageLimitValue2"},
		{
			payment.PipelineMultiUse,
			[]string{"usageLimitType1", "Count", "usageLimitValue1", "1", "usageLimitPeriod1", "1 Fortnight"},
			"usageLimitPeriod1",
		},
		{payment.PipelineMultiUse, []string{"usageLimitValue1", "1"}, "usageLimitType1"},
		{payment.PipelineMultiUse, []string{"usageLimitPeriod2", "1 Day"}, "usageLimitType2"},
		{payment.PipelineMultiUse, []string{"recipientTokenList", strings.Repeat("R", 66)}, "recipientTokenList"},
		{
			payment.PipelineMultiUse,
			[]string{"recipientTokenList", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u"},
			"recipientTokenList",
		},
		{payment.PipelineMultiUse, []string{"recipientTokenList", "a b"}, "recipientTokenList"},
		{payment.PipelineMultiUse, []string{"validityStart", "yesterday"}, "validityStart"},
		{payment.PipelineMultiUse, []string{"validityStart", "-5"}, "validityStart"},
		{payment.PipelineMultiUse, []string{"validityExpiry", "253402300800"}, "validityExpiry"}, // in the year 10000
		{payment.PipelineMultiUse, []string{"validityStart", "1804118401", "validityExpiry", "1804118400"}, "validityExpiry"},
		{payment.PipelineMultiUse, []string{"isRecipientCobranding", "maybe"}, "isRecipientCobranding"},
		{payment.PipelineRecurring, []string{"recurringPeriod", "monthly"}, "recurringPeriod"},
		{payment.PipelineRecurring, []string{"recurringPeriod", "0 Months"}, "recurringPeriod"},
		{payment.PipelineRecurring, []string{"transactionAmount", "0"}, "transactionAmount"},
		{payment.PipelineRecipient, []string{"recipientPaysFee", "perhaps"}, "recipientPaysFee"},
		{payment.PipelineRecipient, []string{"maxFixedFee", "-1"}, "maxFixedFee"},
		{payment.PipelineRecipient, []string{"maxVariableFee", "101"}, "maxVariableFee"},
		{payment.PipelineRecipient, []string{"callerReferenceRefund", "a"}, "callerReferenceRefund"},
		{payment.PipelineRecipient, []string{"callerReferenceRefund", long}, "callerReferenceRefund"},
		{payment.PipelineRecipient, []string{"paymentMethod", "Cheque"}, "paymentMethod"},
		{payment.PipelineSetupPrepaid, []string{"callerReferenceFunding", "a"}, "callerReferenceFunding"},
		{payment.PipelineSetupPrepaid, []string{"fundingAmount", "0"}, "fundingAmount"},
		{payment.PipelineSetupPostpaid, []string{"callerReferenceSettlement", "a"}, "callerReferenceSettlement"},
		{payment.PipelineSetupPostpaid, []string{"creditLimit", "0.00"}, "creditLimit"},
		{payment.PipelineSetupPostpaid, []string{"callerReferenceSender", long}, "callerReferenceSender"},
		{payment.PipelineEditToken, []string{"tokenID", strings.Repeat("T", 66)}, "tokenID"},
		{payment.PipelineEditToken, []string{"paymentMethod", "CC,,ABT"}, "paymentMethod"},
		{"Refund", nil, "pipelineName"},
		{"singleuse", nil, "pipelineName"},
	} {
		_, end := read(row.pipeline, row.params...)
		if end == nil || end.Status != holdfast.ReturnCallerError ||
			end.Message != "The following input(s) are not well formed: ["+row.bad+"]" {
			t.Errorf("%s with %.60q: %v", row.pipeline, row.params, end)
		}
	}
}

func TestCheckTimes(t *testing.T) {
	now := time.Date(2026, time.November, 27, 10, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for _, row := range []struct {
		starts, expires time.Duration // from now; zero means not sent
		bad             string
	}{
		{0, 0, ""},
		{365 * day, 0, ""},
		{365*day + time.Second, 0, "validityStart"},
		{-day, 0, ""},
		{-day - time.Second, 0, "validityStart"},
		{0, time.Second, ""},
		{0, -time.Second, "validityExpiry"},
		{0, 5 * 365 * day, ""},
	} {
		var r payment.PipelineRequest
		if row.starts != 0 {
			r.Starts = now.Add(row.starts)
		}
		if row.expires != 0 {
			r.Expires = now.Add(row.expires)
		}
		end := r.CheckTimes(now)
		if (end == nil) != (row.bad == "") || end != nil && !strings.Contains(end.Message, row.bad) {
			t.Errorf("from %v until %v: %v", row.starts, row.expires, end)
		}
	}
}

func TestTakenBy(t *testing.T) {
	all := []holdfast.PaymentMethod{holdfast.MethodABT, holdfast.MethodCC, holdfast.MethodACH}
	business, personal := party.Party{Business: true}, party.Party{}
	taking := func(p party.Party, methods ...holdfast.PaymentMethod) payment.Payee {
		return payment.Payee{Named: "R", Party: p, Token: payment.Token{Methods: methods}}
	}
	for _, row := range []struct {
		name    string
		methods []holdfast.PaymentMethod
		payees  []payment.Payee
		want    []holdfast.PaymentMethod
	}{
		{"a business takes all", all, []payment.Payee{taking(business)}, all},
		{"a person takes no cards", all, []payment.Payee{taking(personal)}, []holdfast.PaymentMethod{
			holdfast.MethodABT, holdfast.MethodACH,
		}},
		{"cards stay if they are the only method", all[1:2], []payment.Payee{taking(personal)}, all[1:2]},
		{"only the methods of the recipient token", all, []payment.Payee{taking(business, holdfast.MethodCC)}, all[1:2]},
		{
			"methods that all recipients accept", all,
			[]payment.Payee{taking(business, holdfast.MethodCC, holdfast.MethodABT), taking(personal)},
			all[:1],
		},
		{"nothing is left", all[1:2], []payment.Payee{taking(business, holdfast.MethodABT)}, []holdfast.PaymentMethod{}},
	} {
		if diff := cmp.Diff(row.want, payment.PipelineRequest{Methods: row.methods}.TakenBy(row.payees).Methods); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestUsable(t *testing.T) {
	now := time.Date(2026, time.November, 30, 23, 59, 59, 999999000, time.UTC)
	card := payment.Instrument{ID: "card", Method: holdfast.MethodCC, ExpiryMonth: 11, ExpiryYear: 2026}
	balance := payment.Instrument{ID: "balance", Method: holdfast.MethodABT}
	r := payment.PipelineRequest{Methods: []holdfast.PaymentMethod{holdfast.MethodCC}}
	all := []payment.Instrument{card, balance}
	if diff := cmp.Diff([]payment.Instrument{card}, r.Usable(all, now)); diff != "" {
		t.Errorf("in the last microsecond before the card expires (-want +got):\n%s", diff)
	}
	if got := r.Usable(all, now.Add(time.Microsecond)); len(got) != 0 {
		t.Errorf("after the expiry: %v", got)
	}
	if r.Offers(holdfast.MethodABT) || !r.Offers(holdfast.MethodCC) {
		t.Error("the request offers a method that it does not list")
	}
}

func TestAccountProblem(t *testing.T) {
	good := func(id party.ID) party.Party {
		return party.Party{ID: id, EmailVerified: true, Standing: party.Active, Business: true}
	}
	cards := []holdfast.PaymentMethod{holdfast.MethodCC}
	for _, row := range []struct {
		name   string
		change func(sender, recipient *party.Party)
		want   string // part of the message; empty when all is well
	}{
		{"all is well", func(_, _ *party.Party) {}, ""},
		{"same account", func(_, r *party.Party) { r.ID = "S" }, "same account"},
		{"sender suspended", func(s, _ *party.Party) { s.Standing = party.Suspended }, "account is not active"},
		{"sender closed", func(s, _ *party.Party) { s.Standing = party.Closed }, "account is not active"},
		{"sender's e-mail not verified", func(s, _ *party.Party) { s.EmailVerified = false }, "not verified"},
		{"sender new", func(s, _ *party.Party) { s.EmailVerified, s.VerifyBy = false, now.Add(time.Microsecond) }, ""},
		{"sender no longer new", func(s, _ *party.Party) { s.EmailVerified, s.VerifyBy = false, now }, "not verified"},
		{"recipient closed", func(_, r *party.Party) { r.Standing = party.Closed }, "recipient's account"},
		{"recipient takes no cards", func(_, r *party.Party) { r.Business = false }, "cannot take cards"},
	} {
		t.Run(row.name, func(t *testing.T) {
			sender, recipient := good("S"), good("R")
			row.change(&sender, &recipient)
			r := payment.PipelineRequest{Methods: cards}
			end := r.AccountProblem(sender, recipient)
			if end == nil {
				end = r.OwnProblem(sender, now)
			}
			switch {
			case row.want == "" && end != nil:
				t.Errorf("refused: %v", end)
			case row.want != "" && (end == nil || end.Status != holdfast.ReturnAccountProblem ||
				!strings.Contains(end.Message, row.want)):
				t.Errorf("end is %v, want %q", end, row.want)
			}
		})
	}
}

// A recipient needs a verified e-mail address, even on the first day.
func TestANewRecipientIsVerifiedFirst(t *testing.T) {
	newcomer := party.Party{Standing: party.Active, VerifyBy: now.Add(time.Hour)}
	for _, pipeline := range payment.Pipelines {
		r := payment.PipelineRequest{Pipeline: pipeline}
		if got, want := r.OwnProblem(newcomer, now) != nil, pipeline == payment.PipelineRecipient; got != want {
			t.Errorf("%s: refused is %v, want %v", pipeline, got, want)
		}
	}
}

func TestPlainHost(t *testing.T) {
	for host, want := range map[string]bool{
		"shop.example.test": true, "SHOP.example.test:8080": true, "127.0.0.1:80": true, "[::1]:8080": true,
		"a_b.example.test": true, "": false, "a;b": false, "a b": false, "a'b": false, "a,b": false, "a*b": false,
		"é.example.test": false, "a%3Bb": false,
	} {
		if got := payment.PlainHost(host); got != want {
			t.Errorf("PlainHost(%q) is %v", host, got)
		}
	}
}
