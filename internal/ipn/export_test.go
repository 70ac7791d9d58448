package ipn

// CheckPublic exports the check of addresses, because a test has few addresses
// of its own.
var CheckPublic = checkPublic

// MayBePublic exports the check of hosts that a proxy is asked for.
var MayBePublic = mayBePublic

// WithoutAddresses exports the texts of errors.
var WithoutAddresses = withoutAddresses

// NextTry exports the schedule at moments that real tries reach only by chance.
var NextTry = nextTry

// The fields of each kind of notification, those without a value too.
var (
	TransactionFields = composeTransaction
	TokenFields       = composeToken
)
