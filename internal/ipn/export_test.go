package ipn

// CheckPublic opens the check of addresses, of which a test can only be at a
// few.
var CheckPublic = checkPublic

// MayBePublic opens the check of hosts that a proxy is asked for.
var MayBePublic = mayBePublic

// WithoutAddresses opens the words of errors.
var WithoutAddresses = withoutAddresses

// NextTry opens the schedule at moments that tries come to by chance alone.
var NextTry = nextTry

// The fields of each kind of notification, those without a value too.
var (
	TransactionFields = composeTransaction
	TokenFields       = composeToken
)
