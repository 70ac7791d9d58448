package egress

// CheckPublic exports the check of addresses, because a test has few addresses
// of its own.
var CheckPublic = checkPublic

// MayBePublic exports the check of hosts that a proxy is asked for.
var MayBePublic = mayBePublic

// WithoutAddresses exports the texts of errors.
var WithoutAddresses = withoutAddresses
