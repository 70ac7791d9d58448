package party

// A Notice is what a party is told by mail, before somebody puts it into words.
// It holds nothing that a stranger may have written: whoever signs up with somebody
// else's address, or has forgotten its password, must not be able to write to them
// through us. An address is told what the account has done once it is proved.
type Notice struct {
	About    NoticeAbout
	To       string // e-mail address
	Language string // that the party reads our pages in, "de-CH"; empty when not known
	Link     string // secret of a link; empty when there is none
	Code     string // to type instead of following the link; empty when there is none
	NewEmail string // that the address was changed to; empty otherwise
	Visit    string // that the party is on the way through; empty without one
}

// A NoticeAbout is what a notice is about.
type NoticeAbout string

// Notices are about these. The first three have links.
const (
	NoticeVerify          NoticeAbout = "verify"        // your address, please
	NoticeNewEmail        NoticeAbout = "new-email"     // this address instead of the other, please
	NoticeReset           NoticeAbout = "reset"         // your forgotten password, if it was you who asked
	NoticeEmailChanged    NoticeAbout = "email-changed" // to the old address
	NoticePasswordChanged NoticeAbout = "password-changed"
	NoticePasskeyAdded    NoticeAbout = "passkey-added"
	NoticePasskeyRemoved  NoticeAbout = "passkey-removed"
)
