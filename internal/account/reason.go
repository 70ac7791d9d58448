package account

import (
	"html"
	"html/template"
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// inlineTags are the HTML tags that paymentReason may use ("paymentReason",
// Basic Guide). Tags with attributes are shown as text.
var inlineTags = map[string]bool{
	"b": true, "i": true, "u": true, "ul": true, "li": true, "br": true, "em": true, "strong": true, "strike": true,
}

// Reason returns a paymentReason as HTML. It keeps the nine allowed tags,
// closes each at the end of the text at the latest, and escapes everything
// else.
func Reason(reason string) template.HTML {
	var out strings.Builder
	var open []string
	for reason != "" {
		before, rest, found := strings.Cut(reason, "<")
		out.WriteString(template.HTMLEscapeString(before))
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, ">")
		tag, ending := strings.CutPrefix(holdfast.FoldName(name), "/")
		tag = strings.TrimRight(tag, " /")
		switch {
		case !closed || !inlineTags[tag] || ending && tag == "br":
			out.WriteString("&lt;")
			reason = rest
			continue
		case tag == "br":
			out.WriteString("<br>")
		case !ending:
			out.WriteString("<" + tag + ">")
			open = append(open, tag)
		case len(open) > 0 && open[len(open)-1] == tag:
			out.WriteString("</" + tag + ">")
			open = open[:len(open)-1]
		}
		reason = after
	}
	for len(open) > 0 {
		out.WriteString("</" + open[len(open)-1] + ">")
		open = open[:len(open)-1]
	}
	return template.HTML(out.String()) //nolint:gosec // it has only escaped text and the tags above
}

// reasonText returns a paymentReason in one line, without its tags.
func reasonText(reason string) string {
	var text strings.Builder
	for piece := range strings.SplitSeq(string(Reason(reason)), "<") {
		if tag, after, found := strings.Cut(piece, ">"); found {
			if parts[tag] {
				text.WriteByte(' ')
			}
			piece = after
		}
		text.WriteString(piece)
	}
	return strings.Join(strings.Fields(html.UnescapeString(text.String())), " ")
}

// parts are the tags that reasonText replaces by a blank.
var parts = map[string]bool{"br": true, "ul": true, "/ul": true, "li": true, "/li": true}
