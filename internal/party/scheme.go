package party

import (
	"regexp"
	"slices"
	"strings"
)

// schemeForm is that of RFC 3986, in lower case and bounded.
var schemeForm = regexp.MustCompile(`^[a-z][a-z0-9+.-]{0,62}$`)

// browsersOwn are schemes by which a page reaches into the browser itself, runs a
// script, or leads to what is no application of the caller's.
var browsersOwn = []string{
	"about", "blob", "chrome", "chrome-extension", "content", "data", "edge", "file", "filesystem", "ftp", "http", "https", "intent", "jar",
	"javascript", "livescript", "mailto", "mocha", "moz-extension", "resource", "sms", "tel", "urn", "vbscript", "view-source", "ws", "wss",
}

// MayReturnBy reports whether a caller may be set to have return addresses of a
// scheme: that of an application on the sender's own device.
func MayReturnBy(scheme string) bool {
	return schemeForm.MatchString(scheme) && !slices.Contains(browsersOwn, scheme)
}

// ReturnsBy reports whether the caller is set to have return addresses of a scheme.
func (c Caller) ReturnsBy(scheme string) bool {
	return MayReturnBy(scheme) && slices.Contains(strings.Fields(c.ReturnSchemes), scheme)
}
