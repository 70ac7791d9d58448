package holdfast

import (
	"slices"
	"strings"
)

// Signature version 1 is what programs of 2007 to 2010 speak. Its text has no
// separators, so that transactionAmount=1, transactionId=X and
// transactionAmount=1transactionIdX have one signature: whoever sees a signed
// request can split it anew, and nobody can tell (published in December 2008).
// Use version 2 for everything that is not bound to version 1.

// StringToSignV1 is the text of signature version 1: name and value of every
// parameter as they read, sorted by name with case ignored, with nothing
// between them. Names that differ in case alone keep their order. The
// parameters include SignatureVersion where it is sent; the caller leaves the
// signature itself out.
func StringToSignV1(p Params) string {
	return runTogether(sortedFold(p))
}

func runTogether(p Params) string {
	var b strings.Builder
	for _, param := range p {
		b.WriteString(param.Name)
		b.WriteString(param.Value)
	}
	return b.String()
}

// StringToSign2007 is the text of the links of 2007, whose signature is sent as
// awsSignature: the path as on the wire, "?", and the encoded parameters,
// sorted by name with case ignored. The caller leaves the signature out.
func StringToSign2007(path string, p Params) string {
	return CanonicalPath(path) + "?" + sortedFold(p).Encode()
}

// SignV1 signs parameters by version 1, with HMAC-SHA1, and returns the
// signature in base64. It fails for the zero SecretKey.
func SignV1(secret SecretKey, p Params) (string, error) {
	return SignHMAC(secret, HmacSHA1, StringToSignV1(p))
}

// VerifyV1 reports whether the signature is that of the parameters by version
// 1, in constant time: of a request, or of a return URL or notification that
// has no signatureVersion.
func VerifyV1(secret SecretKey, p Params, signature string) bool {
	return VerifyHMAC(secret, HmacSHA1, StringToSignV1(p), signature)
}

func sortedFold(p Params) Params {
	sorted := slices.Clone(p)
	slices.SortStableFunc(sorted, func(a, b Param) int {
		return strings.Compare(FoldName(a.Name), FoldName(b.Name))
	})
	return sorted
}
