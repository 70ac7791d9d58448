package account

import (
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Books writes the letter to the operator about rows of the books that are
// wrong.
func (l Letters) Books(n payment.BooksNotice) (subject, text string) {
	w := webui.WordsIn("")
	subject = w.T("books.subject-one")
	if places := len(n.Rows) + n.More; places > 1 {
		subject = w.T("books.subject", "Places", strconv.Itoa(places))
	}
	var rows []string
	for _, f := range n.Rows {
		rows = append(rows, string(f.Caller)+" "+f.Table+" "+f.Row+": "+f.Problem)
	}
	if n.More > 0 {
		rows = append(rows, w.T("books.more", "More", strconv.Itoa(n.More)))
	}
	const commands = "holdfast books violations\nholdfast books acknowledge"
	return subject, l.text(w.T("books.lead"), strings.Join(rows, "\n"), commands)
}
