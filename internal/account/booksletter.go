package account

import (
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Books writes the letter to the operator about rows of the books that are
// wrong.
func (Letters) Books(n payment.BooksNotice) (subject, text string) {
	w := webui.WordsIn("")
	subject = w.T("books.subject-one")
	if places := len(n.Rows) + n.More; places > 1 {
		subject = w.T("books.subject", "Places", strconv.Itoa(places))
	}
	var rows strings.Builder
	for _, f := range n.Rows {
		rows.WriteString(string(f.Caller) + " " + f.Table + " " + f.Row + ": " + f.Problem + "\n")
	}
	if n.More > 0 {
		rows.WriteString(w.T("books.more", "More", strconv.Itoa(n.More)) + "\n")
	}
	const commands = "holdfast books violations\nholdfast books acknowledge\n"
	return subject, w.T("books.lead") + "\n\n" + rows.String() + "\n" + commands
}
