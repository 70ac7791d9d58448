package holdfast

import (
	"regexp"
	"slices"
)

// schemeForm is that of RFC 3986, in lower case and bounded.
var schemeForm = regexp.MustCompile(`^[a-z][a-z0-9+.-]{0,62}$`)

// noApps are schemes by which a page reaches into the browser itself, runs a
// script, or leads to what is no application of a caller's.
var noApps = []string{
	"about", "blob", "chrome", "chrome-extension", "content", "data", "edge", "file", "filesystem", "ftp", "http", "https",
	"intent", "jar",
	"javascript", "livescript", "mailto", "mocha", "moz-extension", "resource", "sms", "tel", "urn", "vbscript",
	"view-source", "ws", "wss",
}

// IsAppScheme reports whether a scheme, in lower case, may be that of an
// application on the sender's own device, such as com.example.shop. A caller that
// is set so may have return URLs of it.
func IsAppScheme(scheme string) bool {
	return schemeForm.MatchString(scheme) && !slices.Contains(noApps, scheme)
}
