package holdfast_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
)

func refused(p holdfast.Params, signature string) holdfast.RefusedSignature {
	return holdfast.RefusedSignature{
		Version: "2", Method: holdfast.HmacSHA256, Verbs: []string{"GET"}, Hosts: []string{sandboxHost}, Path: "/",
		Params: p, Signature: signature,
	}
}

func TestExplain(t *testing.T) {
	secret := holdfast.NewSecretKey(vectorSecret)
	sign := func(m holdfast.SignatureMethod, text string) string {
		signature, err := holdfast.SignHMAC(secret, m, text)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	right := holdfast.StringToSign("GET", sandboxHost, "/", payParams)
	sum, err := base64.StdEncoding.DecodeString(sign(holdfast.HmacSHA256, right))
	if err != nil {
		t.Fatal(err)
	}
	replaced := func(oldnew ...string) string {
		return sign(holdfast.HmacSHA256, strings.NewReplacer(oldnew...).Replace(right))
	}
	v1, err := holdfast.SignV1(secret, payParams)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, signature string
		want            []string // a part of each hint
	}{
		{"right", sign(holdfast.HmacSHA256, right), nil},
		{"row 8", "21XeSzxyZYxl3WcObGBjAgUh174fY4Krl+olgxBWZZA=", []string{"sorted ignoring case"}},
		{"row 9", "I91jH1gZm6w1wwiCa1/WbtlIHwWoxpIVt88TrZOAlw8=", []string{"blanks written as +"}},
		{"row 2", "BURT9NUp3r7BiWxcIfSO2nAGY9DX1yTbYiCh9EVu+sc=", []string{"the other verb"}},
		{"row 3 over version 2's text of SHA256", sign(holdfast.HmacSHA1, right), []string{
			"made with HmacSHA1. Use HmacSHA256",
		}},
		{"row 3", "tg5VZaz2Lif4aC2+xnNvxi4h6jk=", nil}, // its parameters differ
		{
			"as sent", replaced(right[strings.LastIndexByte(right, '\n')+1:], payParams.Encode()),
			[]string{"as they were sent"},
		},
		{"asterisk", replaced("%2A", "*"), []string{"* left as it is"}},
		{"tilde", replaced("~", "%7E"), []string{"~ encoded"}},
		{"brackets", replaced("%28", "(", "%29", ")"), []string{"! ' ( ) left"}},
		{"Java", replaced("%20", "+", "%2A", "*", "~", "%7E"), []string{
			"blanks written as +", "* left as it is", "~ encoded",
		}},
		{"lower-case escapes", replaced("%3A", "%3a", "%2A", "%2a", "%C3%A9", "%c3%a9"), []string{"lower-case escapes"}},
		{"encoded twice", replaced("%", "%25"), []string{"encoded twice"}},
		{"no path", replaced("\n/\n", "\n\n"), []string{"without the path"}},
		{"no line feeds", replaced("\n", ""), []string{"without the line feeds"}},
		{"line feed at the end", sign(holdfast.HmacSHA256, right+"\n"), []string{"line feed at the end"}},
		{"verb in lower case", replaced("GET\n", "get\n"), []string{"verb in lower case"}},
		{"port", replaced(sandboxHost, sandboxHost+":443"), []string{"the port 443"}},
		{"no host", replaced(sandboxHost, ""), []string{"an empty line for the host"}},
		{"other host", replaced(sandboxHost, "fps.amazonaws.com"), []string{"the host fps.amazonaws.com"}},
		{"version 1", v1, []string{"the text of version 1"}},
		{"hexadecimal, base64", base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum))), []string{
			"base64 of hexadecimal digits",
		}},
		{"hexadecimal", hex.EncodeToString(sum), []string{"written in hexadecimal digits"}},
		{"other alphabet", base64.RawURLEncoding.EncodeToString(sum), []string{"another kind of base64"}},
		{"URL-encoded twice", url.QueryEscape(base64.StdEncoding.EncodeToString(sum)), []string{"URL-encoded twice"}},
		{"two mistakes", url.QueryEscape("I91jH1gZm6w1wwiCa1/WbtlIHwWoxpIVt88TrZOAlw8="), []string{
			"URL-encoded twice", "blanks written as +",
		}},
		{"half", base64.StdEncoding.EncodeToString(sum[:16]), []string{"has 16 bytes"}},
		{"not base64", "not base64!", []string{"is not base64"}},
		{"empty", "", []string{"has 0 bytes"}},
		{"of something else", sign(holdfast.HmacSHA256, "else"), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := refused(payParams, row.signature).Explain(secret)
			if len(got) != len(row.want) {
				t.Fatalf("hints are %q, want %q", got, row.want)
			}
			for i, hint := range got {
				if !strings.Contains(hint, row.want[i]) || strings.Contains(hint, vectorSecret) {
					t.Errorf("hint %d is %q, want %q", i, hint, row.want[i])
				}
				if strings.ContainsFunc(hint, func(c rune) bool { return c < ' ' || c > '~' }) {
					t.Errorf("hint %d is not a line of ASCII: %q", i, hint)
				}
			}
		})
	}
}

func TestExplainKnowsTheSecretsLineFeed(t *testing.T) {
	signature, err := holdfast.SignHMAC(holdfast.NewSecretKey(vectorSecret+"\n"), holdfast.HmacSHA256,
		holdfast.StringToSign("GET", sandboxHost, "/", payParams))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"The signature matches with a line feed after the secret key. Cut it off."}
	if diff := compare.Diff(want, refused(payParams, signature).Explain(holdfast.NewSecretKey(vectorSecret))); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}

func TestExplainV1(t *testing.T) {
	secret := holdfast.NewSecretKey(vectorSecret)
	p := linkParams.Without("signatureVersion").Without("signatureMethod")
	p = append(p, holdfast.Param{Name: "Zip", Value: "1 2"})
	r := holdfast.RefusedSignature{Version: "1", Params: p}
	if got, want := r.StringToSign(), holdfast.StringToSignV1(p); got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
	text := holdfast.StringToSignV1(p)
	for _, row := range []struct{ name, text, want string }{
		{"byte order", "Zip1 2" + strings.TrimSuffix(text, "Zip1 2"), "sorted by their bytes"},
		{"link of 2007", holdfast.StringToSign2007(holdfast.CoBrandedPath, p), "a link of 2007"},
		{"separators", strings.TrimPrefix(holdfast.StringToSign2007("/", p), "/?"), "= and & between"},
		{"line feed", text + "\n", "line feed at the end"},
		{"something else", "else", ""},
	} {
		var err error
		if r.Signature, err = holdfast.SignHMAC(secret, holdfast.HmacSHA1, row.text); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(r.Explain(secret), " ")
		if !strings.Contains(got, row.want) || row.want == "" && got != "" {
			t.Errorf("%s: hints are %q, want %q", row.name, got, row.want)
		}
	}
}

// A text that is too long is not searched for mistakes.
func TestExplainIsBounded(t *testing.T) {
	p := append(payParams[:len(payParams):len(payParams)], holdfast.Param{Name: "X", Value: strings.Repeat("x", 5000)})
	signature, err := holdfast.SignHMAC(holdfast.NewSecretKey(vectorSecret), holdfast.HmacSHA256, "POST"+
		strings.TrimPrefix(holdfast.StringToSign("GET", sandboxHost, "/", p), "GET"))
	if err != nil {
		t.Fatal(err)
	}
	if hints := refused(p, signature).Explain(holdfast.NewSecretKey(vectorSecret)); len(hints) != 1 ||
		!strings.Contains(hints[0], "more than 4096 bytes") {
		t.Errorf("hints are %q", hints)
	}
	empty := holdfast.RefusedSignature{Version: "2"}
	if got := empty.StringToSign(); got != "\n\n/\n" {
		t.Errorf("the text of nothing is %q", got)
	}
}
