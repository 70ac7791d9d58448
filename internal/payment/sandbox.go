package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// Token ids that simulate accounts with a problem, in the sandbox only
// ("Testing your application using the sandbox").
var (
	sandboxSenders = map[holdfast.TokenID]*holdfast.Error{
		"E3FR7BARJV3PB631PMKV74PGKCJLBHI1Q1KMQN7BJ2JJICPDKN3N1CJIKFZ8D7NN": holdfast.Errorf(
			holdfast.UnverifiedEmailAddressSender, "the sender's e-mail address is not verified"),
		"H216UECZ8ZM1G8G4QA3V7RKF8JDFZ9SI3SJAFSGUKBBNDHX1NVM8GUQRZNRNAHER": holdfast.Errorf(
			holdfast.InvalidAccountStateSender, "the sender's account is suspended"),
		"Z1LGRXR4HMDZBSFKXELA32KZASGWD8IHMHZCK4DETR784LDLD1GMFW4P3WT8VTGX": holdfast.Errorf(
			holdfast.InvalidAccountStateSender, "the sender's account is closed"),
	}
	sandboxRecipients = map[holdfast.TokenID]*holdfast.Error{
		"C4LGSEMXN11FTUXZ2X2C7QVFHN5DVBGQJNF17AIQXXXQSX4DRG4KJFCN2KRFUUZI": holdfast.Errorf(
			holdfast.UnverifiedEmailAddressRecipient, "the recipient's e-mail address is not verified"),
		"R3VK49XVGCAZTJSXKN7ZSBHPMFGKM5VEEQTXGMVE8CFUZ2G5RLLMAB4J6TQRL6BU": holdfast.Errorf(
			holdfast.InvalidAccountStateRecipient, "the recipient's account is suspended"),
		"P1LL7A1LHK935DBGI5NAYCXOCLVEBHBNIU7PBXBAMRKKNLDEPI8M3MUSLZT2VANZ": holdfast.Errorf(
			holdfast.InvalidAccountStateRecipient, "the recipient's account is closed"),
	}
)

func sandboxAccount(caller party.Caller, sender, recipient holdfast.TokenID) error {
	if !caller.Sandbox {
		return nil
	}
	if e, ok := sandboxSenders[sender]; ok {
		return e
	}
	if e, ok := sandboxRecipients[recipient]; ok {
		return e
	}
	return nil
}
