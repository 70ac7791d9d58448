package ipn

// CheckPublic opens the check of addresses, of which a test can only be at a
// few.
var CheckPublic = checkPublic
