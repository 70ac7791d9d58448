package holdfast

import (
	"slices"
	"strings"
)

// Signature version 1 is for programs of 2007 to 2010. Its text has no
// separators, so transactionAmount=1 with transactionId=X has the same
// signature as transactionAmount=1transactionIdX. A person who sees a signed
// request can therefore split its text into other parameters, and the signature
// stays valid (published in December 2008). Use version 2 wherever you can.

// StringToSignV1 returns the text that signature version 1 signs: the names and
// values of all parameters, not encoded, sorted by name with case ignored, with
// nothing between them. Names that differ only in case keep their order. The
// parameters include SignatureVersion if it is sent, but not the signature
// itself.
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

// StringToSign2007 returns the text that links of 2007 sign, which send their
// signature as awsSignature: the path as it is sent, "?", and the encoded
// parameters, sorted by name with case ignored. The parameters must not include
// the signature.
func StringToSign2007(path string, p Params) string {
	return CanonicalPath(path) + "?" + sortedFold(p).Encode()
}

// SignV1 signs parameters with signature version 1 and HMAC-SHA1. It returns
// the signature in base64, and fails if the SecretKey is zero.
func SignV1(secret SecretKey, p Params) (string, error) {
	return SignHMAC(secret, HmacSHA1, StringToSignV1(p))
}

// VerifyV1 reports whether the signature is that of the parameters by version
// 1. It compares in constant time. The parameters are those of a request, or of
// a return URL or notification without a signatureVersion.
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
