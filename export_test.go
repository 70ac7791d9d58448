package holdfast

// For the published test vectors, which have only a public key and no
// certificate.
var (
	VerifyRSAKey      = verifyRSA
	VerifyMessageKeys = verifyMessage
)

// Hints returns all sentences of the explanations of signatures and messages.
func Hints() (signatures, messages []string) {
	for _, s := range slips {
		signatures = append(signatures, s.hint)
	}
	for _, s := range slipsOfV1 {
		signatures = append(signatures, s.hint)
	}
	for _, e := range encodings {
		signatures = append(signatures, e.hint)
	}
	for _, address := range []string{"https://shop.example.com:8443/ipn", "https://shop.example.com/ipn/"} {
		for _, v := range endpointVariants(address) {
			messages = append(messages, v.hint)
		}
	}
	for _, v := range paramsVariants(Params{{"NAME", ""}}) {
		messages = append(messages, v.hint)
	}
	return signatures, messages
}

// Retriable returns the codes of refusals after which a retry may succeed.
func Retriable() (codes []Code) {
	for code := range retriable {
		codes = append(codes, code)
	}
	return codes
}
