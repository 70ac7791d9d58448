package holdfast_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
)

var update = flag.Bool("update", false, "write what the documents show anew")

const (
	vectorsFile = "docs/api/vectors.json"
	signingPage = "docs/api/signing.md"
)

// vectors are the content of docs/api/vectors.json.
type vectors struct {
	About           []string          `json:"about"`
	SecretAccessKey string            `json:"secretAccessKey"`
	CallerID        holdfast.CallerID `json:"callerId"`
	Certificate     string            `json:"certificate"`
	PrivateKey      string            `json:"privateKey"`
	Vectors         []vector          `json:"vectors"`
}

// A vector is one signature. The fields up to SignatureAt are given; the others
// are computed from them.
type vector struct {
	Name             string                   `json:"name"`
	About            string                   `json:"about"`
	Kind             string                   `json:"kind"`
	SignatureVersion string                   `json:"signatureVersion"`
	SignatureMethod  holdfast.SignatureMethod `json:"signatureMethod"`
	Verb             string                   `json:"verb"`
	Address          string                   `json:"address"`
	Parameters       []string                 `json:"parameters"`
	SignatureName    string                   `json:"signatureName"`
	SignatureAt      int                      `json:"signatureAt,omitempty"`

	CanonicalQuery string `json:"canonicalQuery,omitempty"`
	StringToSign   string `json:"stringToSign"`
	Digest         string `json:"digest"`
	Signature      string `json:"signature"`
	Sent           string `json:"sent"`
}

func readVectors(t *testing.T) (v vectors, text []byte) {
	t.Helper()
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v, text
}

func (v vectors) certificates(t *testing.T) []*x509.Certificate {
	t.Helper()
	certs, err := holdfast.ParseCertificates([]byte(v.Certificate))
	if err != nil {
		t.Fatal(err)
	}
	return certs
}

func (v vectors) key(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode([]byte(v.PrivateKey))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

func (v vector) params() (p holdfast.Params) {
	for _, pair := range v.Parameters {
		name, value, _ := strings.Cut(pair, "=")
		p = append(p, holdfast.Param{Name: name, Value: value})
	}
	return p
}

// computed returns the vector with all computed fields.
func (v vector) computed(t *testing.T, all vectors) vector {
	t.Helper()
	u, err := url.Parse(v.Address)
	if err != nil {
		t.Fatal(err)
	}
	p := v.params()
	switch v.SignatureVersion {
	case "1":
		v.StringToSign = holdfast.StringToSignV1(p)
	case "2":
		v.StringToSign = holdfast.StringToSign(v.Verb, holdfast.SignedHost(u), u.EscapedPath(), p)
		v.CanonicalQuery = v.StringToSign[strings.LastIndexByte(v.StringToSign, '\n')+1:]
	case "2007":
		v.StringToSign = holdfast.StringToSign2007(u.EscapedPath(), p)
		_, v.CanonicalQuery, _ = strings.Cut(v.StringToSign, "?")
	default:
		t.Fatalf("%s: signature version %s", v.Name, v.SignatureVersion)
	}
	v.Digest, v.Signature = v.sign(t, all)
	at := v.SignatureAt
	if at == 0 {
		at = len(p)
	}
	v.Sent = slices.Insert(p, at, holdfast.Param{Name: v.SignatureName, Value: v.Signature}).Encode()
	if v.Verb == http.MethodGet {
		v.Sent = v.Address + "?" + v.Sent
	}
	return v
}

// sign signs with the standard library only, and checks that the package gives
// the same signature.
func (v vector) sign(t *testing.T, all vectors) (digest, signature string) {
	t.Helper()
	text, secret := []byte(v.StringToSign), []byte(all.SecretAccessKey)
	var sum []byte
	var byPackage string
	var err error
	switch v.SignatureMethod {
	case holdfast.RSASHA1:
		d := sha1.Sum(text)
		digest = hex.EncodeToString(d[:])
		if sum, err = rsa.SignPKCS1v15(nil, all.key(t), crypto.SHA1, d[:]); err != nil {
			t.Fatal(err)
		}
		byPackage, err = holdfast.SignRSA(all.key(t), v.StringToSign)
	case holdfast.HmacSHA1, holdfast.HmacSHA256:
		mac := hmac.New(sha256.New, secret)
		if v.SignatureMethod == holdfast.HmacSHA1 {
			mac = hmac.New(sha1.New, secret)
		}
		mac.Write(text)
		sum = mac.Sum(nil)
		digest = hex.EncodeToString(sum)
		byPackage, err = holdfast.SignHMAC(holdfast.NewSecretKey(all.SecretAccessKey), v.SignatureMethod, v.StringToSign)
	default:
		t.Fatalf("%s: signature method %s", v.Name, v.SignatureMethod)
	}
	signature = base64.StdEncoding.EncodeToString(sum)
	if err != nil || byPackage != signature {
		t.Errorf("%s: the package signs %q, %v; want %q", v.Name, byPackage, err, signature)
	}
	return digest, signature
}

func TestPublishedVectors(t *testing.T) {
	all, have := readVectors(t)
	kinds := map[string]bool{}
	for i, v := range all.Vectors {
		all.Vectors[i] = v.computed(t, all)
		kinds[v.SignatureVersion+" "+string(v.SignatureMethod)+" "+v.Kind] = true
	}
	for _, kind := range []string{
		"1 HmacSHA1 request", "1 HmacSHA1 link", "1 HmacSHA1 return", "2007 HmacSHA1 link", "2 HmacSHA256 request",
		"2 HmacSHA1 request", "2 HmacSHA256 link", "2 RSA-SHA1 return", "2 RSA-SHA1 notification",
	} {
		if !kinds[kind] {
			t.Errorf("there is no vector of %s", kind)
		}
	}
	var want bytes.Buffer
	out := json.NewEncoder(&want)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(all); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(vectorsFile, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		have = want.Bytes()
	}
	if diff := compare.Diff(want.String(), string(have)); diff != "" {
		t.Errorf("%s is not what the code computes (-want +got; -update writes it):\n%s", vectorsFile, diff)
	}
}

// A Verifier accepts each published message, and refuses it after any change.
func TestPublishedMessagesVerify(t *testing.T) {
	all, _ := readVectors(t)
	verifier := holdfast.Verifier{CallerID: all.CallerID, Certificates: all.certificates(t)}
	other := holdfast.Verifier{CallerID: all.CallerID + "X", Certificates: verifier.Certificates}
	for _, v := range all.Vectors {
		if v.SignatureMethod != holdfast.RSASHA1 {
			continue
		}
		parse := func(by holdfast.Verifier, sent string) (holdfast.Params, error) {
			if v.Kind == "return" {
				r, err := by.ParseReturn(t.Context(), sent)
				return r.Params, err
			}
			n, err := by.ParseIPN(t.Context(), v.Address, []byte(sent))
			return n.Params, err
		}
		if p, err := parse(verifier, v.Sent); err != nil || len(p) != len(v.Parameters)+1 {
			t.Errorf("%s: %d parameters, %v", v.Name, len(p), err)
		}
		if _, err := parse(verifier, v.Sent+"&x=1"); err == nil {
			t.Errorf("%s verifies with one more parameter", v.Name)
		}
		if _, err := parse(other, v.Sent); err == nil {
			t.Errorf("%s is believed by another caller", v.Name)
		}
	}
}

// shownStep is a block of the page that shows a step of a vector, such as
// "```text v1-request stringToSign".
var shownStep = regexp.MustCompile("(?ms)^```text (\\S+) (\\S+)\n(.*?)^```$")

// steps returns the steps of a vector that the page may show.
func (v vector) steps() map[string]string {
	return map[string]string{
		"parameters": strings.Join(v.Parameters, "\n"), "canonicalQuery": v.CanonicalQuery, "stringToSign": v.StringToSign,
		"digest": v.Digest, "signature": v.Signature, "sent": v.Sent,
	}
}

// The page shows the steps of each vector with the values that the code
// computes.
func TestSigningPageShowsTheVectors(t *testing.T) {
	all, _ := readVectors(t)
	byName := map[string]map[string]string{}
	for _, v := range all.Vectors {
		byName[v.Name] = v.computed(t, all).steps()
	}
	page := readPage(t, signingPage)
	shown := map[string]bool{}
	want := shownStep.ReplaceAllStringFunc(page, func(block string) string {
		m := shownStep.FindStringSubmatch(block)
		text, known := byName[m[1]][m[2]]
		if !known {
			t.Errorf("the page shows %s of %s, which does not exist", m[2], m[1])
			return block
		}
		shown[m[1]+" "+m[2]] = true
		return fmt.Sprintf("```text %s %s\n%s\n```", m[1], m[2], text)
	})
	if *update {
		if err := os.WriteFile(signingPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		page = want
	}
	if diff := compare.Diff(want, page); diff != "" {
		t.Errorf("%s shows other steps than the code computes (-want +got; -update writes them):\n%s", signingPage, diff)
	}
	for name := range byName {
		for _, step := range []string{"parameters", "stringToSign", "digest", "signature", "sent"} {
			if !shown[name+" "+step] {
				t.Errorf("the page does not show %s of %s", step, name)
			}
		}
	}
}

// The examples in the page's tables of encodings are right.
func TestSigningPageEncodes(t *testing.T) {
	page := readPage(t, signingPage)
	for heading, encode := range map[string]func(string) string{
		"### Characters": func(text string) string {
			return strings.TrimSuffix(holdfast.Params{{Name: text}}.Encode(), "=")
		},
		"### Paths": holdfast.CanonicalPath,
		"### Hosts": func(address string) string {
			u, err := url.Parse(address)
			if err != nil {
				t.Error(err)
				return ""
			}
			return holdfast.SignedHost(u)
		},
	} {
		rows := exampleRow.FindAllStringSubmatch(section(t, page, heading), -1)
		if len(rows) < 4 {
			t.Errorf("%s has %d examples", heading, len(rows))
		}
		for _, row := range rows {
			text := strings.NewReplacer("(blank)", " ", "(line feed)", "\n", "(empty)", "").Replace(strings.Trim(row[1], "`"))
			if got, want := encode(text), strings.Trim(row[2], "`"); got != want {
				t.Errorf("%s: %q is %q, the page says %q", heading, text, got, want)
			}
		}
	}
}

var exampleRow = regexp.MustCompile("(?m)^\\| (`[^`]+`|\\([a-z ]+\\)) \\| `([^`]+)` \\|")

// The page lists exactly the mistakes that the server can explain.
func TestSigningPageListsTheMistakes(t *testing.T) {
	signatures, messages := holdfast.Hints()
	for heading, hints := range map[string][]string{
		"### Mistakes in requests": signatures, "### Mistakes in verifying": messages,
	} {
		want := map[string]bool{}
		for _, hint := range hints {
			want[anyHost(hint)] = true
		}
		got := map[string]bool{}
		for line := range strings.Lines(section(t, readPage(t, signingPage), heading)) {
			if hint, ok := strings.CutPrefix(strings.TrimSpace(line), "- "); ok {
				got[strings.ReplaceAll(hint, "`", "")] = true
			}
		}
		if diff := compare.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", heading, diff)
		}
	}
}

var hintedHost = regexp.MustCompile(`with the (host|port) [a-z0-9.-]*[a-z0-9]`)

// anyHost returns one hint for all hints that differ only in a host or a port.
func anyHost(hint string) string {
	return hintedHost.ReplaceAllStringFunc(hint, func(found string) string {
		return found[:len("with the host ")] + strings.ToUpper(found[len("with the "):len("with the host")])
	})
}

func readPage(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section returns the text under a heading, up to the next heading of the same
// or a higher level.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n"+heading+"\n")
	if !found {
		t.Fatalf("the page has no heading %q", heading)
	}
	level := strings.Count(strings.Fields(heading)[0], "#")
	if next := regexp.MustCompile(fmt.Sprintf("(?m)^#{1,%d} ", level)).FindStringIndex(rest); next != nil {
		rest = rest[:next[0]]
	}
	return rest
}
