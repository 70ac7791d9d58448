package holdfast

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HmacSHA1 is what the wire format prescribes
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A RefusedSignature is a signature that does not match its request, with all
// values that the signed text may contain.
type RefusedSignature struct {
	Version   string          // "1" or "2"
	Method    SignatureMethod // of version 2
	Verbs     []string        // those that the server accepts, the request's own first
	Hosts     []string        // those that the server accepts, the request's own first
	Path      string          // as it was sent
	Params    Params          // without the signature, in the order received
	Parts     []Params        // the query's and the body's, if there were both
	Signature string          // as received
}

// explainedMax is the length in bytes of the longest text that Explain works
// on. Anyone can send a wrong signature, and Explain tries hundreds of texts
// for each.
const explainedMax = 4 << 10

// StringToSign returns the text that should have been signed, with the first
// verb and host. It contains no secret.
func (r RefusedSignature) StringToSign() string {
	if r.Version == "1" {
		return StringToSignV1(r.Params)
	}
	return r.texts()[0].String()
}

// Explain looks for a common mistake that leads to this signature. It returns a
// few sentences in ASCII, or none if no common mistake explains the signature.
// The sentences are meant for the owner of the secret key; they contain neither
// the key nor any signature.
func (r RefusedSignature) Explain(secret SecretKey) []string {
	sum, hints := readRefused(r.Signature)
	switch {
	case sum == nil:
		return hints
	case len(r.StringToSign()) > explainedMax:
		return append(hints, fmt.Sprintf("The string to sign has more than %d bytes: too many to look for mistakes.",
			explainedMax))
	}
	is := made(secret, sum)
	texts := r.texts()
	right := make([]string, len(texts))
	for i, t := range texts {
		right[i] = t.String()
	}
	method := r.Method
	if r.Version == "1" {
		right, method = []string{StringToSignV1(r.Params)}, HmacSHA1
	}
	switch {
	case slices.ContainsFunc(right, is):
		if used := methodOf(sum); used != method {
			hints = append(hints, fmt.Sprintf("The signature is made with %s. Use %s, as the request says.", used, method))
		}
		return hints
	case slices.ContainsFunc(right, made(NewSecretKey(string(secret.Reveal())+"\n"), sum)):
		return append(hints, "The signature matches with a line feed after the secret key. Cut it off.")
	}
	if r.Version == "1" {
		return append(hints, first(slipsOfV1, r.Params, is)...)
	}
	if found := slipsOfEncoding(texts, is); found != nil {
		return append(hints, found...)
	}
	for _, t := range texts {
		if found := append(first(slips, t, is), r.mixed(t, is)...); found != nil {
			return append(hints, found...)
		}
	}
	return hints
}

// mixed tries whether only the query or only the body was signed.
func (r RefusedSignature) mixed(t signedText, is func(string) bool) []string {
	for i, part := range r.Parts {
		if t.query = canonicalQuery(part); is(t.String()) {
			here, there := "query", "body"
			if i > 0 {
				here, there = there, here
			}
			return []string{
				"The signature matches the parameters of the " + here + " alone. Sign those of the " + there +
					" as well, or send all in one of the two.",
			}
		}
	}
	return nil
}

func (r RefusedSignature) texts() []signedText {
	query := canonicalQuery(r.Params)
	var texts []signedText
	for _, verb := range r.Verbs {
		for _, host := range r.Hosts {
			texts = append(texts, signedText{verb: verb, host: host, path: r.Path, params: r.Params, query: query})
		}
	}
	if texts == nil {
		texts = []signedText{{path: r.Path, params: r.Params, query: query}}
	}
	return texts
}

// A signedText is the text that signature version 2 signs, in its parts.
type signedText struct {
	verb, host, path string
	params           Params // in the order received
	query            string
}

func (t signedText) String() string {
	return t.verb + "\n" + strings.ToLower(t.host) + "\n" + CanonicalPath(t.path) + "\n" + t.query
}

func (t signedText) of(p Params) string {
	t.query = p.Encode()
	return t.String()
}

func canonicalQuery(p Params) string {
	text := StringToSign("", "", "", p)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// A slip is a common mistake: a hint for its author, and a function that turns
// the right text into the wrong one.
type slip[T any] struct {
	hint string
	text func(T) string
}

// first returns the hint of the first slip whose text has the signature.
func first[T any](table []slip[T], of T, is func(text string) bool) []string {
	for _, s := range table {
		if is(s.text(of)) {
			return []string{s.hint}
		}
	}
	return nil
}

// slips are the common mistakes with version 2, except those of its encoding.
var slips = slices.Concat([]slip[signedText]{
	{"The signature matches with the parameters sorted ignoring case. Sort them by their bytes: AWSAccessKeyId comes " +
		"before Action.", func(t signedText) string { return t.of(sortedFold(t.params)) }},
	{
		"The signature matches with the parameters as they were sent. Sort them by name.",
		func(t signedText) string { return t.of(t.params) },
	},
	{
		"The signature matches without the empty parameters. Sign them as well, or do not send them.",
		func(t signedText) string {
			t.query = canonicalQuery(slices.DeleteFunc(slices.Clone(t.params), func(p Param) bool { return p.Value == "" }))
			return t.String()
		},
	},
	{"The signature matches with the other verb. Sign GET for a GET and POST for a POST.", func(t signedText) string {
		if t.verb == http.MethodGet {
			t.verb = http.MethodPost
		} else {
			t.verb = http.MethodGet
		}
		return t.String()
	}},
	{"The signature matches with the verb in lower case. Write it in capitals.", func(t signedText) string {
		t.verb = strings.ToLower(t.verb)
		return t.String()
	}},
	{"The signature matches with capitals in the host. Write it in lower case.", func(t signedText) string {
		return strings.Replace(t.String(), "\n"+strings.ToLower(t.host)+"\n", "\n"+t.host+"\n", 1)
	}},
	{
		"The signature matches without the path. Sign the path, which is / at least.",
		func(t signedText) string { return t.withPath("") },
	},
	{
		"The signature matches without the slash that the path begins with. Sign the path with it.",
		func(t signedText) string { return t.withPath(strings.TrimPrefix(CanonicalPath(t.path), "/")) },
	},
	{
		"The signature matches with the path /. Sign the path of the address.",
		func(t signedText) string { return t.withPath("/") },
	},
	{
		"The signature matches with a slash at the end of the path. Sign the path as it is sent.",
		func(t signedText) string { return t.withPath(CanonicalPath(t.path) + "/") },
	},
	{
		"The signature matches without the line feeds. Keep them between verb, host, path and parameters.",
		func(t signedText) string { return strings.ReplaceAll(t.String(), "\n", "") },
	},
	{
		"The signature matches with a line feed at the end. The text ends with the last parameter.",
		func(t signedText) string { return t.String() + "\n" },
	},
	{
		"The signature matches the text of version 1. Say SignatureVersion 2 and sign the text of version 2.",
		func(t signedText) string { return StringToSignV1(t.params) },
	},
	{
		"The signature matches without a port after the host. Sign the port that the address has.",
		func(t signedText) string { return t.withHost(bareHost(t.host)) },
	},
}, portSlips(), hostSlips())

func (t signedText) withPath(path string) string {
	return t.verb + "\n" + strings.ToLower(t.host) + "\n" + path + "\n" + t.query
}

func (t signedText) withHost(host string) string {
	t.host = host
	return t.String()
}

// bareHost returns a host without its port; an IPv6 address keeps its brackets.
func bareHost(host string) string {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || i < strings.LastIndexByte(host, ']') {
		return host
	}
	return host[:i]
}

func portSlips() (made []slip[signedText]) {
	for _, port := range []string{":80", ":443", ":8080"} {
		made = append(made, slip[signedText]{
			"The signature matches with the port " + port[1:] +
				" after the host. Sign the port that the address has, and none when it is the scheme's own.",
			func(t signedText) string { return t.withHost(bareHost(t.host) + port) },
		})
	}
	return made
}

func hostSlips() (made []slip[signedText]) {
	for _, host := range []string{
		"", "localhost", "127.0.0.1", "fps.amazonaws.com", "fps.sandbox.amazonaws.com",
		"authorize.payments.amazon.com", "authorize.payments-sandbox.amazon.com",
	} {
		hint := "The signature matches with the host " + host + ". Sign the host that the request is sent to."
		if host == "" {
			hint = "The signature matches with an empty line for the host. Sign the host that the request is sent to."
		}
		made = append(made, slip[signedText]{hint, func(t signedText) string { return t.withHost(host) }})
	}
	return made
}

// encodings are mistakes in URL encoding. Several occur together, because the
// URL encoding of a programming language often differs in several ways.
var encodings = []struct {
	hint   string
	change func(query string) string
}{
	{"The signature matches with blanks written as +. Write %20 in the string to sign.", replacer("%20", "+")},
	{"The signature matches with * left as it is. Write %2A in the string to sign.", replacer("%2A", "*")},
	{"The signature matches with ~ encoded. Leave ~ as it is in the string to sign.", replacer("~", "%7E")},
	{
		"The signature matches with ! ' ( ) left as they are. Write %21 %27 %28 %29 in the string to sign.",
		replacer("%21", "!", "%27", "'", "%28", "(", "%29", ")"),
	},
	{"The signature matches with / left as it is. Write %2F in the string to sign.", replacer("%2F", "/")},
	{"The signature matches with lower-case escapes. Write %XX in upper case.", lowerEscapes},
	{"The signature matches with the values encoded twice. Encode them once.", replacer("%", "%25")},
}

func replacer(oldnew ...string) func(string) string { return strings.NewReplacer(oldnew...).Replace }

// slipsOfEncoding finds the smallest set of encoding mistakes whose text has
// the signature. It ignores mistakes that would not change the query.
func slipsOfEncoding(texts []signedText, is func(string) bool) []string {
	var open []int
	for i, e := range encodings {
		if e.change(texts[0].query) != texts[0].query {
			open = append(open, i)
		}
	}
	sets := make([]uint, 0, 1<<len(open))
	for set := uint(1); set < 1<<len(open); set++ {
		sets = append(sets, set)
	}
	slices.SortStableFunc(sets, func(a, b uint) int { return bits.OnesCount(a) - bits.OnesCount(b) })
	for _, set := range sets {
		query := texts[0].query
		var found []string
		for bit, i := range open {
			if set&(1<<bit) != 0 {
				query = encodings[i].change(query)
				found = append(found, encodings[i].hint)
			}
		}
		for _, t := range texts {
			if t.query = query; is(t.String()) {
				return found
			}
		}
	}
	return nil
}

func lowerEscapes(text string) string {
	b := []byte(text)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

// slipsOfV1 are the common mistakes with version 1.
var slipsOfV1 = []slip[Params]{
	{
		"The signature matches with the parameters sorted by their bytes. Version 1 sorts them ignoring case.",
		func(p Params) string {
			return runTogether(slices.SortedStableFunc(slices.Values(p),
				func(a, b Param) int { return strings.Compare(a.Name, b.Name) }))
		},
	},
	{
		"The signature matches with the parameters as they were sent. Sort them by name, ignoring case.",
		func(p Params) string { return runTogether(p) },
	},
	{"The signature matches with the values encoded. Version 1 signs them as they read.", func(p Params) string {
		encoded := slices.Clone(p)
		for i := range encoded {
			encoded[i].Value = canonical(encoded[i].Value)
		}
		return StringToSignV1(encoded)
	}},
	{
		"The signature matches with = and & between names and values. Version 1 has nothing between them.",
		func(p Params) string { return sortedFold(p).Encode() },
	},
	{
		"The signature matches with a line feed at the end. The text ends with the last value.",
		func(p Params) string { return StringToSignV1(p) + "\n" },
	},
	{
		"The signature is that of a link of 2007. Send it as awsSignature.",
		func(p Params) string { return StringToSign2007(CoBrandedPath, p) },
	},
	{
		"The signature matches without SignatureVersion. Sign every parameter that is sent.",
		func(p Params) string { return StringToSignV1(p.Without("SignatureVersion")) },
	},
}

// made returns a function that reports whether a text has the MAC.
func made(secret SecretKey, sum []byte) func(text string) bool {
	method := methodOf(sum)
	return func(text string) bool {
		want, err := sumHMAC(secret, method, text)
		return err == nil && hmac.Equal(sum, want)
	}
}

// methodOf tells the method from the length of the MAC. readRefused returns
// only MACs of the two right lengths.
func methodOf(sum []byte) SignatureMethod {
	if len(sum) == sha1.Size {
		return HmacSHA1
	}
	return HmacSHA256
}

// readRefused reads the MAC from a signature that may be badly encoded, and
// says what is wrong with the encoding. The MAC is nil if there is none.
func readRefused(signature string) (sum []byte, hints []string) {
	if strings.Contains(signature, "%") {
		if decoded, err := url.PathUnescape(signature); err == nil {
			signature = decoded
			hints = append(hints, "The signature is URL-encoded twice. Encode it once.")
		}
	}
	if sum, ok := hexMAC(signature); ok {
		return sum, append(hints, "The signature is written in hexadecimal digits. Write the MAC's bytes in base64.")
	}
	sum, err := decodeSignature(signature)
	if err != nil {
		plain := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(signatureRepairs.Replace(signature)), "=")
		if sum, err = base64.RawStdEncoding.DecodeString(plain); err != nil || !isMAC(sum) {
			return nil, append(hints, "The signature is not base64.")
		}
		hints = append(hints, "The signature is in another kind of base64. Use + and / and pad it with =.")
	}
	if inner, ok := hexMAC(string(sum)); ok {
		return inner, append(hints, "The signature is the base64 of hexadecimal digits. Encode the MAC's bytes themselves.")
	}
	if !isMAC(sum) {
		return nil, append(hints,
			fmt.Sprintf("The signature has %d bytes. HmacSHA256 has %d and HmacSHA1 %d.", len(sum), sha256.Size, sha1.Size))
	}
	return sum, hints
}

// hexMAC reads a MAC of either method that is written in hexadecimal.
func hexMAC(s string) ([]byte, bool) {
	sum, err := hex.DecodeString(s)
	return sum, err == nil && isMAC(sum)
}

func isMAC(sum []byte) bool { return len(sum) == sha1.Size || len(sum) == sha256.Size }
