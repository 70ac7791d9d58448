package console

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A page is everything below the navigation. All pages have the same template; a
// page says what it shows with the types of this file.
type page struct {
	Status  int // zero means OK
	Heading string
	Chip    chip   // the state of the page's object, after the heading
	Lead    string // a sentence below the heading
	Up      link   // the page above this one
	Links   []link
	Buttons []button
	Paused  string // that the store is paused; render sets it
	Flash   string // what was just done; render sets it
	Alert   string // a fault that a person must know of
	Filter  *webui.Form
	Blocks  []block

	// Scripts are files of webui's assets. Pages work without them.
	Scripts []string
}

// A block is one part of a page, in a frame of its own. Its parts are shown in the
// order of the fields.
type block struct {
	ID      string // for links to it; also the part that a refresh replaces
	Heading string
	Chip    chip
	Text    string
	Wide    bool // takes the whole width next to narrow blocks
	Figures []figure
	Chart   *chart
	Facts   []fact
	Table   *table
	Steps   []step
	Pre     string // text of programs, such as JSON
	Picture *picture
	Form    *webui.Form
	Links   []link
	Buttons []button
	Note    string
	// Refresh is the address from which the block is loaded again every 30 seconds. The
	// block needs an ID, and the page refreshScript.
	Refresh string
}

// A picture is a QR code.
type picture struct {
	Label string
	Size  int    // of each side, in modules
	Dark  string // the dark modules, as a path of SVG
}

// A figure is a number that a person looks for first.
type figure struct {
	Label   string
	Value   string
	Detail  string
	Tone    tone
	Address string // of the page that explains it
}

// A fact is a label with its value.
type fact struct {
	Label string
	cell
}

// factOf is a fact with a plain text.
func factOf(label, text string) fact { return fact{label, cell{Text: text}} }

// A chip is a short word in a coloured frame, such as a state. The word alone says
// what the colour says.
type chip struct {
	Word string
	Tone tone
}

// A tone is the colour of a chip, a figure or a row: a class of the stylesheet.
type tone string

const (
	quiet tone = ""      // over, or of no interest now
	good  tone = "good"  // as it should be
	busy  tone = "busy"  // under way; nothing to do
	wait  tone = "wait"  // somebody should look soon
	wrong tone = "wrong" // somebody must act
)

// A table lists objects, one row for each. On a phone each row is a card.
type table struct {
	Caption string // for screen readers, if the block has no heading
	Columns []column
	Rows    []tableRow
	Empty   string // shown instead of a table without rows
	// Newer and Older are the addresses of the pages before and after this one. Empty
	// means that there is none.
	Newer, Older string
	CSV          string // address of all rows as a file; empty for none
	Count        string // such as "50 of more than 1,000"
	Pick         *pick  // lets rows be selected; nil does not
}

// A column is a heading with the shape of its cells.
type column struct {
	Label string
	Shape shape
}

// A shape is how the cells of a column look: a class of the stylesheet.
type shape string

const (
	plain  shape = ""
	number shape = "number" // amounts and counts: aligned at their last digit
	code   shape = "code"   // ids and references
	acts   shape = "acts"   // links and buttons; the heading is for screen readers only
)

// A tableRow is one object.
type tableRow struct {
	Tone  tone
	Pick  string // the row's id in a table with Pick; empty if the row cannot be selected
	Cells []cell
}

// A cell shows its parts in the order of the fields.
type cell struct {
	Chip    chip
	Text    string
	Time    time.Time // shown to the minute, in the page's zone
	Address string    // makes the text or the time a link
	Of      string    // what the link is about, for screen readers, if its text does not say it
	Detail  string    // in small letters below
	Links   []link
}

// Cells of the usual kinds.
func text(s string) cell            { return cell{Text: s} }
func state(c chip) cell             { return cell{Chip: c} }
func moment(t time.Time) cell       { return cell{Time: t} }
func linked(s, address string) cell { return cell{Text: s, Address: address} }

// A step is one line of a timeline, the newest or the oldest first.
type step struct {
	At     time.Time
	Tone   tone
	Title  string
	Chip   chip
	Amount string
	Text   string
	Facts  []fact
}

// A link leads to a page.
type link struct {
	Label   string
	Of      string // what it belongs to, for screen readers
	Address string
	Danger  bool
}

// A button is a form without visible fields. It is for actions that need no
// question, such as ending one's own session.
type button struct {
	Label  string
	Action string
	Danger bool
}

// A confirmation asks before an action is carried out. Its form has a random key:
// see call.once.
type confirmation struct {
	Heading string
	Lead    string
	Up      link
	Chip    chip
	Facts   []fact
	Note    string // what the action cannot undo
	Problem string // why the action was refused
	Form    webui.Form
	Danger  bool
}

// confirm shows the page with a confirmation. The form acts at the page's own
// address unless it names another. An attempt that was refused keeps its key: the
// processor knows that nothing was done.
func (s *Server) confirm(c *call, status int, v confirmation) error {
	f := v.Form
	if f.Action == "" {
		f.Action = c.r.URL.EscapedPath()
	}
	once := newOnce()
	if key, err := c.once(); err == nil {
		once.Value = key
	}
	f.Hidden = append(f.Hidden, once)
	if v.Problem != "" {
		f.Problem = v.Problem
	}
	return s.render(c, page{
		Status: status, Heading: v.Heading, Lead: v.Lead, Up: v.Up, Chip: v.Chip,
		Blocks: []block{{Facts: v.Facts, Note: v.Note, Form: &f, Links: v.back(c)}},
	})
}

func (v confirmation) back(c *call) []link {
	if v.Up.Address == "" {
		return nil
	}
	return []link{{Label: c.words.T("console.back"), Address: v.Up.Address}}
}
