package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// A signVerb signs a request by hand, to compare with a program's signature. It
// asks no server.
type signVerb struct {
	SecretFile string   `help:"Read the secret key from the first line of this file; - is standard input." env:"HOLDFAST_SECRET_FILE" required:"" placeholder:"FILE"`
	Verb       string   `help:"Sign for this HTTP method: GET or POST." default:"GET" enum:"GET,POST" placeholder:"METHOD"`
	URL        string   `name:"url" help:"Sign for this address, with or without its query." required:"" placeholder:"URL"`
	Params     string   `help:"Sign these parameters, written as in a query: encoded, joined by &." placeholder:"TEXT"`
	Body       string   `help:"Sign the form body in this file, as it is sent." placeholder:"FILE"`
	Method     string   `help:"Sign with HmacSHA256 or HmacSHA1; by default what the parameters say, or HmacSHA256." enum:"HmacSHA256,HmacSHA1," default:"" placeholder:"NAME"`
	Version    string   `help:"Sign with signature version 1 or 2; by default what the parameters say, or 2." enum:"1,2," default:"" placeholder:"N"`
	Explain    string   `help:"Explain why this signature is refused." placeholder:"SIGNATURE"`
	JSON       bool     `name:"json" help:"Print one line of JSON."`
	Pairs      []string `arg:"" optional:"" name:"name=value" help:"Sign these parameters, written plainly and not encoded."`
}

// A signAnswer is what --json prints.
type signAnswer struct {
	StringToSign string   `json:"stringToSign"`
	Signature    string   `json:"signature,omitempty"` // when asked to sign
	Right        *bool    `json:"right,omitempty"`     // when asked to explain
	Hints        []string `json:"hints,omitempty"`
}

func (v signVerb) Run(w world) error {
	secret, err := readKey(v.SecretFile)
	if err != nil {
		return fmt.Errorf("--secret-file: %w", err)
	}
	key := holdfast.NewSecretKey(secret)
	request, err := v.request()
	if err != nil {
		return err
	}
	if v.Explain != "" {
		return v.explain(w, key, request)
	}
	text := request.StringToSign()
	signature, err := holdfast.SignHMAC(key, request.Method, text)
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, signAnswer{StringToSign: text, Signature: signature})
	}
	fmt.Fprintf(w.Out, "String to sign:\n%s\n\nSignature:\n%s\n", text, signature)
	return nil
}

func (v signVerb) explain(w world, key holdfast.SecretKey, request holdfast.RefusedSignature) error {
	request.Signature = v.Explain
	text := request.StringToSign()
	right := holdfast.VerifyHMAC(key, request.Method, text, v.Explain)
	var hints []string
	if !right {
		hints = request.Explain(key)
	}
	switch {
	case v.JSON:
		if err := printJSON(w.Out, signAnswer{StringToSign: text, Right: &right, Hints: hints}); err != nil {
			return err
		}
	case right:
		fmt.Fprintln(w.Out, "The signature is right.")
	case len(hints) == 0:
		fmt.Fprintf(w.Out, "No usual mistake explains the signature. Check the secret key, and compare your string to sign "+
			"with this one:\n%s\n", text)
	default:
		fmt.Fprintf(w.Out, "%s\n\nThe string to sign is:\n%s\n", strings.Join(hints, "\n"), text)
	}
	if !right {
		return errSaid
	}
	return nil
}

// signatureNames are what a request calls its signature.
var signatureNames = []string{"signature", "awsSignature"}

// request collects the parameters from the address, the body and the flags.
func (v signVerb) request() (holdfast.RefusedSignature, error) {
	var none holdfast.RefusedSignature
	if err := checkURL("--url", v.URL); err != nil {
		return none, err
	}
	u, err := url.Parse(v.URL)
	if err != nil {
		return none, fmt.Errorf("--url: %w", err)
	}
	query, err := holdfast.ParseParams(u.RawQuery)
	if err != nil {
		return none, fmt.Errorf("--url: %w", err)
	}
	body, err := v.body()
	if err != nil {
		return none, err
	}
	for _, name := range signatureNames {
		query, body = query.Without(name), body.Without(name)
	}
	request := holdfast.RefusedSignature{
		Verbs: []string{v.Verb}, Hosts: []string{holdfast.SignedHost(u)}, Path: u.EscapedPath(),
		Params: append(query[:len(query):len(query)], body...),
	}
	if len(query) > 0 && len(body) > 0 {
		request.Parts = []holdfast.Params{query, body}
	}
	return v.signedHow(request)
}

// body reads the parameters that are not in the address.
func (v signVerb) body() (holdfast.Params, error) {
	p, err := holdfast.ParseParams(v.Params)
	if err != nil {
		return nil, fmt.Errorf("--params: %w", err)
	}
	if v.Body != "" {
		text, err := os.ReadFile(v.Body)
		if err != nil {
			return nil, fmt.Errorf("--body: %w", err)
		}
		more, err := holdfast.ParseParams(strings.TrimRight(string(text), "\r\n"))
		if err != nil {
			return nil, fmt.Errorf("--body: %w", err)
		}
		p = append(p, more...)
	}
	for _, pair := range v.Pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is no name=value", pair)
		}
		p = append(p, holdfast.Param{Name: name, Value: value})
	}
	return p, nil
}

// signedHow reads version and method from the flags, or from the parameters.
func (v signVerb) signedHow(request holdfast.RefusedSignature) (holdfast.RefusedSignature, error) {
	version, _ := request.Params.Fold("SignatureVersion")
	method, _ := request.Params.Fold("SignatureMethod")
	request.Version = cmp.Or(v.Version, version.Value, "2")
	request.Method = cmp.Or(holdfast.SignatureMethod(v.Method), holdfast.SignatureMethod(method.Value),
		holdfast.HmacSHA256)
	switch request.Version {
	case "1":
		if v.Method == string(holdfast.HmacSHA256) {
			return request, errors.New("--method: version 1 knows HmacSHA1 only")
		}
		request.Method = holdfast.HmacSHA1
	case "2":
	default:
		return request, fmt.Errorf("signature version %q is neither 1 nor 2", request.Version)
	}
	return request, nil
}
