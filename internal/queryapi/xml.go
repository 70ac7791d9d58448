package queryapi

import (
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zone of dates, on machines that have none
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

const xmlDeclaration = `<?xml version="1.0"?>` + "\n"

// namespace is a version's, with the slash at its end.
func namespace(version string) string { return namespaceStart + version + "/" }

const namespaceStart = "http://fps.amazonaws.com/doc/"

// A document is a success answer while it is being written, on one line and in
// the schema's order. It is written without encoding/xml, which takes many
// times as long; the tests check it with encoding/xml.
type document struct {
	action   string
	noResult bool
	b        []byte
}

func newDocument(action, version string) *document {
	d := startDocument(action, version)
	d.open(action + "Result")
	return d
}

// newBareDocument is an answer without a result.
func newBareDocument(action, version string) *document {
	d := startDocument(action, version)
	d.noResult = true
	return d
}

func startDocument(action, version string) *document {
	d := &document{action: action, b: make([]byte, 0, 512)}
	d.append(xmlDeclaration, "<", action, `Response xmlns="`, namespaceStart, version, `/">`)
	return d
}

// finish closes the result and adds the metadata, which may contain only the
// request's id.
func (d *document) finish(requestID string) []byte {
	if !d.noResult {
		d.close(d.action + "Result")
	}
	d.open("ResponseMetadata")
	d.open("RequestId")
	d.b = appendEscaped(d.b, requestID)
	d.append(":0</RequestId>")
	d.close("ResponseMetadata")
	d.close(d.action + "Response")
	return d.b
}

func (d *document) append(parts ...string) {
	for _, part := range parts {
		d.b = append(d.b, part...)
	}
}

func (d *document) open(name string) { d.append("<", name, ">") }

func (d *document) close(name string) { d.append("</", name, ">") }

// text writes an element unless it is empty, because strict clients fail on an
// empty enumeration.
func (d *document) text(name, value string) {
	if value == "" {
		return
	}
	d.open(name)
	d.b = appendEscaped(d.b, value)
	d.close(name)
}

// count writes a whole number.
func (d *document) count(name string, n int64) { d.text(name, strconv.FormatInt(n, 10)) }

// amount writes the currency and six decimals.
func (d *document) amount(name string, a money.Amount) {
	if !a.Given() {
		return
	}
	d.open(name)
	d.text("CurrencyCode", string(a.Currency))
	d.text("Value", a.Value())
	d.close(name)
}

// pacific is the time zone of FPS's recorded dates.
var pacific = func() *time.Location {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic("queryapi: time zone: " + err.Error()) // tzdata is linked in
	}
	return zone
}()

// date writes a time with exactly three fraction digits, as strict clients
// read it, such as "2009-10-07T04:29:05.054-07:00".
func (d *document) date(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	d.text(name, t.In(pacific).Format("2006-01-02T15:04:05.000-07:00"))
}

// errorDocument is the one form of errors that every client reads: no
// namespace, nothing between the tags, RequestID with a capital D.
func errorDocument(e *holdfast.Error, requestID string) []byte {
	d := document{b: make([]byte, 0, 512)}
	d.b = append(d.b, xmlDeclaration+"<Response><Errors><Error>"...)
	d.text("Code", string(e.Code))
	d.text("Message", oneLine(e.Message))
	d.b = append(d.b, "</Error></Errors>"...)
	d.text("RequestID", requestID)
	d.close("Response")
	return d.b
}

// oneLine puts a message on one line, for clients that match it as text.
func oneLine(message string) string {
	message = strings.Map(func(c rune) rune {
		switch {
		case c < ' ', c == '\u0085', c == '\u2028', c == '\u2029', c == 0x7f:
			return ' '
		}
		return c
	}, message)
	if message = shownMost(strings.TrimSpace(message), messageMax); message == "" {
		return "The request was refused."
	}
	return message
}

// appendEscaped writes text of an element. A character that XML 1.0 forbids
// becomes U+FFFD. Carriage returns and line feeds are written by their numbers:
// a carriage return would be read as a line feed, and an answer is one line.
func appendEscaped(b []byte, text string) []byte {
	start := 0
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		if replaced := escape(c, size); replaced != "" {
			b = append(b, text[start:i]...)
			b = append(b, replaced...)
			start = i + size
		}
		i += size
	}
	return append(b, text[start:]...)
}

// escape is what is written for a character, empty if it stands for itself.
func escape(c rune, size int) string {
	switch {
	case c == '&':
		return "&amp;"
	case c == '<':
		return "&lt;"
	case c == '>':
		return "&gt;"
	case c == '\t':
		return "&#x9;"
	case c == '\n':
		return "&#xA;"
	case c == '\r':
		return "&#xD;"
	case c < ' ', c == utf8.RuneError && size == 1, c == 0xFFFE, c == 0xFFFF:
		return "\uFFFD"
	}
	return ""
}
