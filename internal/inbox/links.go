package inbox

import (
	"regexp"
	"strings"
)

// A piece is a part of a mail's text.
type piece struct {
	Text string
	Link bool // the text is an address
}

var link = regexp.MustCompile(`https?://[^\s<>"]+`)

// pieces finds the links in a mail as mail programs do: a full stop or a
// bracket at the end belongs to the sentence.
func pieces(text string) (all []piece) {
	done := 0
	for _, at := range link.FindAllStringIndex(text, -1) {
		end := at[0] + len(strings.TrimRight(text[at[0]:at[1]], ".,;:!?)]}'"))
		if at[0] > done {
			all = append(all, piece{Text: text[done:at[0]]})
		}
		all = append(all, piece{Text: text[at[0]:end], Link: true})
		done = end
	}
	if done < len(text) {
		all = append(all, piece{Text: text[done:]})
	}
	return all
}
