package queryapi

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// FuzzForm sends arbitrary requests through every check that needs no database.
// Each is accepted or refused, and none is an internal error.
func FuzzForm(f *testing.F) {
	f.Add("Action=Reserve&SenderTokenId=A&TransactionAmount.CurrencyCode=USD&TransactionAmount.Value=12.50&"+
		"CallerReference=r", "", "")
	f.Add("", "Action=Settle&ReserveTransactionId=10000000000000000000000000000000001&TransactionAmount.Value=1e9",
		"application/x-www-form-urlencoded")
	f.Add("Action=Cancel;x&&=&Description=%", "a=%zz&\xff=%00", "application/x-www-form-urlencoded; charset=utf-8")
	f.Add("Action=VerifySignature&UrlEndPoint=http://%25&HttpParameters=a%3Db", "x", "text/xml")
	f.Add("Action=Reserve&TransactionTimeoutInMins=-1&MarketplaceVariableFee=100.01&OverrideIPNURL=http://[::1",
		"Version=9999-12-31", "application/x-www-form-urlencoded")
	f.Fuzz(func(t *testing.T, query, body, contentType string) {
		p, err := form(query, body, contentType)
		if err != nil {
			refused(t, err)
			return
		}
		if _, doubled := p.Duplicate(); doubled {
			t.Fatal("a doubled parameter got through")
		}
		version, err := answeredVersion(p.Get("Version"))
		refused(t, err)
		a, _ := actionNamed(p.Get("Action"))
		named, err := a.read(version, p)
		refused(t, err)
		if _, doubled := named.Duplicate(); doubled && !a.public {
			t.Fatal("a parameter was doubled by its name")
		}
		for _, name := range []string{"TransactionAmount", "MarketplaceFixedFee"} {
			amount, err := amountOf(p, name)
			refused(t, err)
			if err == nil && amount.Given() && (amount.Micro < 0 || amount.Micro%10_000 != 0) {
				t.Errorf("%s of %v was read from %q", name, amount, p.Get(name+".Value"))
			}
		}
	})
}

// refused checks that an error is in the one form that errors have, and can be
// parsed back.
func refused(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	e, ok := errors.AsType[*holdfast.Error](err)
	if !ok {
		t.Fatalf("not a refusal: %v", err)
	}
	text := errorDocument(e, "id")
	var back struct {
		XMLName xml.Name `xml:"Response"`
		Code    string   `xml:"Errors>Error>Code"`
		Message string   `xml:"Errors>Error>Message"`
	}
	if err := xml.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 2 || lines[0]+"\n" != xmlDeclaration || back.Code != string(e.Code) || back.Message == "" ||
		utf8.RuneCountInString(back.Message) > messageMax+1 {
		t.Fatalf("a bad error: %q", text)
	}
}

// FuzzXML writes any text and reads it back with encoding/xml, whose own
// escaping is the oracle for what XML cannot hold.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		"Tea & cakes ~ 50% off* (café)", "<![CDATA[ ]]>", "a\r\nb\tc", "\x00\x1f\x7f\xff\xed\xa0\x80\uFFFE\uFFFF\U0001F600",
		"]]>", "\u0085\u2028",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := newDocument("Test", holdfast.Version2010)
		d.text("First", text)
		d.open("Inner")
		d.text("Second", text)
		d.amount("Third", money.Micros(int64(len(text))))
		d.close("Inner")
		written := d.finish("id")

		var back struct {
			XMLName xml.Name `xml:"http://fps.amazonaws.com/doc/2010-08-28/ TestResponse"`
			First   string   `xml:"TestResult>First"`
			Second  string   `xml:"TestResult>Inner>Second"`
			Value   string   `xml:"TestResult>Inner>Third>Value"`
			ID      string   `xml:"ResponseMetadata>RequestId"`
		}
		if err := xml.Unmarshal(written, &back); err != nil {
			t.Fatalf("%v in %q", err, written)
		}
		var oracle bytes.Buffer
		oracle.WriteString("<t>")
		if err := xml.EscapeText(&oracle, []byte(text)); err != nil {
			t.Fatal(err)
		}
		oracle.WriteString("</t>")
		var want string
		if err := xml.Unmarshal(oracle.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if back.First != want || back.Second != want || back.Value != money.Micros(int64(len(text))).Value() ||
			back.ID != "id:0" {
			t.Errorf("wrote %q, read %q and %q, want %q", text, back.First, back.Second, want)
		}
		if n := bytes.Count(written, []byte("\n")); n != 1 {
			t.Errorf("the answer has %d line breaks: %q", n, written)
		}
		if text == "" && bytes.Contains(written, []byte("First")) {
			t.Error("an empty element was written")
		}
	})
}
