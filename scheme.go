package holdfast

import (
	"regexp"
	"slices"
)

// schemeForm is the form of a scheme in RFC 3986, in lower case and with a
// limited length.
var schemeForm = regexp.MustCompile(`^[a-z][a-z0-9+.-]{0,62}$`)

// noApps are schemes that cannot belong to a caller's application: those of the
// browser itself, of scripts, and of other well-known programs.
var noApps = []string{
	"about", "blob", "chrome", "chrome-extension", "content", "data", "edge", "file", "filesystem", "ftp", "http", "https",
	"intent", "jar",
	"javascript", "livescript", "mailto", "mocha", "moz-extension", "resource", "sms", "tel", "urn", "vbscript",
	"view-source", "ws", "wss",
}

// IsAppScheme reports whether a scheme, in lower case, may belong to an
// application on the sender's device, such as com.example.shop. A caller may
// have return URLs with such a scheme if its settings allow it.
func IsAppScheme(scheme string) bool {
	return schemeForm.MatchString(scheme) && !slices.Contains(noApps, scheme)
}
