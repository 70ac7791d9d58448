package holdfast

// Opened for the published test vectors, which come with a bare public key.
var (
	VerifyRSAKey      = verifyRSA
	VerifyMessageKeys = verifyMessage
)
