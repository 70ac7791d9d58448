package console

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// boardRoutes are the risk board: the open holds of a caller, the nearest deadline
// first.
func (s *Server) boardRoutes() []route {
	return []route{
		{Method: get, Path: "risk", In: ofCaller, Permission: party.MayRead, Nav: "console.risk.nav", show: s.showBoard},
	}
}

const (
	boardRows = 50
	// boardRead is how many holds a page reads to find the largest: see
	// store.LargestQuery.
	boardRead = 5000
	// boardRefreshed is how long an open page is loaded again. An open tab must not keep
	// a session alive.
	boardRefreshed = 20 * time.Minute
)

// A boardFilter selects holds of the risk board.
type boardFilter struct {
	within   time.Duration // until the deadline; zero for all
	least    money.Amount
	byAmount bool
	after    store.HoldCursor
	since    time.Time // when the page was opened; zero on the first load

	// Of a search for the largest holds:
	kept  []holdfast.TransactionID
	read  int // before
	below *store.LargestPlace
}

// boardSpans are the values of the filter by time left, in hours.
var boardSpans = []int{6, 24, 48, 72}

// boardForm is the form with the filter.
func boardForm(w webui.Words, action string) webui.Form {
	spans := []webui.Option{{Label: w.T("console.risk.any-time")}}
	spans = append(spans, hourOptions(boardSpans, func(d time.Duration) string {
		return w.T("console.risk.within", "Hours", int(d.Hours()))
	})...)
	return webui.Form{
		Action: action, Get: true, Submit: w.T("console.show"),
		Fields: []webui.Field{
			{Name: "within", Label: w.T("console.risk.left"), Options: spans, MayBeEmpty: true},
			{
				Name: "least", Label: w.T("console.risk.least"), InputMode: "decimal", Autocomplete: "off", MayBeEmpty: true,
			},
			{
				Name: "sort", Label: w.T("console.sort"), MayBeEmpty: true, Options: []webui.Option{
					{Label: w.T("console.risk.by-time")}, {Value: "amount", Label: w.T("console.risk.by-amount")},
				},
			},
		},
	}
}

// readBoardFilter reads the filter and its form, with the errors of what was typed.
func readBoardFilter(c *call) (f boardFilter, form webui.Form, err error) {
	form = boardForm(c.words, c.link("risk"))
	form.Fill(c.form)
	f.byAmount = c.form.Get("sort") == "amount"
	if within := c.form.Get("within"); within != "" {
		var ok bool
		if f.within, ok = readHours(boardSpans, within); !ok {
			return f, form, errNotThere
		}
	}
	if typed := strings.TrimSpace(c.form.Get("least")); typed != "" {
		var ok bool
		if f.least, ok = readAmount(typed); !ok {
			form.SetError("least", c.words.T("console.not-an-amount"))
		}
	}
	if f.after, err = readCursor(c.form.Get("after")); err != nil {
		return f, form, err
	}
	if err := f.readSearch(c.form); err != nil {
		return f, form, err
	}
	if opened := c.form.Get("opened"); opened != "" {
		seconds, err := strconv.ParseInt(opened, 10, 64)
		if err != nil || seconds < 0 {
			return f, form, errNotThere
		}
		f.since = time.Unix(seconds, 0)
	}
	return f, form, nil
}

// readSearch reads how far a search for the largest holds has come.
func (f *boardFilter) readSearch(form holdfast.Params) (err error) {
	if kept := form.Get("kept"); kept != "" {
		for id := range strings.SplitSeq(kept, ".") {
			f.kept = append(f.kept, holdfast.TransactionID(id))
		}
	}
	if read := form.Get("read"); read != "" {
		if f.read, err = strconv.Atoi(read); err != nil || f.read < 0 {
			return errNotThere
		}
	}
	if below := form.Get("below"); below != "" {
		micros, id, err := readNumbered(below)
		if err != nil {
			return err
		}
		f.below = &store.LargestPlace{Open: money.Micros(micros), ID: holdfast.TransactionID(id)}
	}
	if len(f.kept) > boardRows {
		return errNotThere
	}
	return nil
}

// readCursor reads a place in a list of holds, "1764518400000000.1ABC…".
func readCursor(text string) (at store.HoldCursor, err error) {
	if text == "" {
		return at, nil
	}
	micros, id, err := readNumbered(text)
	if err != nil {
		return at, err
	}
	return store.HoldCursor{At: time.UnixMicro(micros).UTC(), ID: holdfast.TransactionID(id)}, nil
}

// cursorText is a place as readCursor reads it; empty for the end.
func cursorText(at store.HoldCursor) string {
	if !at.Begun() {
		return ""
	}
	return strconv.FormatInt(at.At.UnixMicro(), 10) + "." + string(at.ID)
}

// A board is what the risk board shows.
type board struct {
	bands  []store.RiskBand
	more   bool // holds than the bands count
	holds  []payment.Hold
	next   store.HoldCursor
	read   int // holds that a search for the largest has read so far
	buyers map[party.ID]party.Party
}

// readBoard reads the page of holds that the filter selects.
func (s *Server) readBoard(c *call, f boardFilter) (b board, err error) {
	now := c.now()
	listing := store.HoldListing{
		Caller: c.caller.ID, Now: now, HoldFilter: payment.HoldFilter{State: payment.HoldHeld, AmountFrom: f.least},
	}
	if f.within > 0 {
		listing.DeadlineTo = now.Add(f.within)
	}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		if b.bands, b.more, err = tx.Risk(c.caller.ID, now); err != nil {
			return err
		}
		if err = b.readHolds(tx, listing, f); err != nil {
			return err
		}
		var buyers []party.ID
		for _, h := range b.holds {
			buyers = append(buyers, h.Root().Sender)
		}
		b.buyers, err = tx.PartiesWith(buyers)
		return err
	})
	return b, err
}

// readHolds reads the next holds by deadline, or the next part of a search for the
// largest.
func (b *board) readHolds(tx *store.ReadTx, l store.HoldListing, f boardFilter) (err error) {
	if !f.byAmount {
		b.holds, b.next, err = tx.Holds(l, f.after, boardRows)
		return err
	}
	b.holds, b.read, b.next, err = tx.LargestHolds(store.LargestQuery{
		HoldListing: l, After: f.after, Kept: f.kept, Below: f.below, Rows: boardRead, Limit: boardRows,
	})
	b.read += f.read
	return err
}

func (s *Server) showBoard(c *call) error {
	f, form, err := readBoardFilter(c)
	if err != nil {
		return err
	}
	w := c.words
	p := page{Heading: w.T("console.risk.heading"), Lead: w.T("console.risk.lead"), Filter: &form}
	if form.Failed() {
		p.Status = http.StatusUnprocessableEntity
		return s.render(c, p)
	}
	b, err := s.readBoard(c, f)
	if err != nil {
		return err
	}
	p.Blocks = []block{s.boardBlock(c, f, b)}
	if p.Blocks[0].Refresh != "" {
		p.Scripts = []string{refreshScript}
	}
	return s.render(c, p)
}

// boardBlock is the part of the page that is refreshed.
func (s *Server) boardBlock(c *call, f boardFilter, b board) block {
	w, now := c.words, c.now()
	part := block{ID: "board", Wide: true, Text: w.T("console.as-of", "Time", c.second(c.real))}
	if c.caller.ClockOffset != 0 {
		part.Text += " " + w.T("console.caller-clock", "Time", c.minute(now))
	}
	opened := f.since
	if opened.IsZero() {
		opened = c.real
	}
	switch begun := strconv.FormatInt(opened.Unix(), 10); {
	case f.after.Begun() && !f.byAmount: // a later page stays as it is
	case c.real.Sub(opened) >= boardRefreshed:
		part.Note = w.T("console.risk.rests", "Minutes", int(boardRefreshed.Minutes()))
		part.Links = []link{{Label: w.T("console.reload"), Address: c.same("opened", "")}}
	case f.byAmount: // reads on by itself, and begins anew after the last part
		part.Refresh = c.same(append(b.search(), "opened", begun)...)
	default:
		part.Refresh = c.same("opened", begun)
	}
	if b.more {
		part.Text += " " + w.T("console.lists.bands", "N", w.Count(store.RiskMost))
	}
	part.Figures = bandFigures(c, b.bands)
	t := &table{
		Caption: w.T("console.risk.heading"), Empty: w.T("console.risk.none"),
		Columns: []column{
			{Label: w.T("console.risk.left")},
			{Label: w.T("console.risk.open"), Shape: number},
			{Label: w.T("console.reference"), Shape: code},
			{Label: w.T("console.risk.buyer")},
			{Label: w.T("console.risk.deadline")},
			{Label: w.T("console.actions"), Shape: acts},
		},
	}
	for _, h := range b.holds {
		t.Rows = append(t.Rows, s.boardRow(c, h, b.buyers[h.Root().Sender]))
	}
	if f.byAmount {
		b.searchLinks(c, f, &part, t)
	} else {
		b.pageLinks(c, f, t)
	}
	part.Table = t
	return part
}

// pageLinks lead to the pages of holds by deadline.
func (b board) pageLinks(c *call, f boardFilter, t *table) {
	if cursor := cursorText(b.next); cursor != "" {
		t.Older = c.same("after", cursor, "opened", "")
		if len(b.holds) < boardRows {
			t.Count = c.words.T("console.lists.read-part", "N", c.words.Count(store.HoldsReadMost))
		}
	}
	if f.after.Begun() {
		t.Newer = c.same("after", "", "opened", "")
	}
}

// search are the parameters of the next part of a search, as pairs.
func (b board) search() []string {
	ids := make([]string, len(b.holds))
	for i, h := range b.holds {
		ids[i] = string(h.ID())
	}
	read := ""
	if b.next.Begun() {
		read = strconv.Itoa(b.read)
	}
	return []string{"after", cursorText(b.next), "kept", strings.Join(ids, "."), "read", read}
}

// searchLinks say how far a search for the largest holds has come, and lead to its next
// part or, at its end, to smaller holds.
func (b board) searchLinks(c *call, f boardFilter, part *block, t *table) {
	w := c.words
	if b.next.Begun() {
		part.Text += " " + w.T("console.lists.largest-so-far", "N", w.Count(int64(b.read)), "Time", c.minute(b.next.At))
		part.Links = append(part.Links, link{
			Label: w.T("console.lists.read-on"), Address: c.same(append(b.search(), "opened", "")...),
		})
	} else {
		part.Text += " " + w.T("console.lists.largest", "N", w.Count(int64(b.read)))
		if len(b.holds) == boardRows {
			last := store.PlaceOf(b.holds[boardRows-1])
			t.Older = c.same("below", strconv.FormatInt(last.Open.Micro, 10)+"."+string(last.ID),
				"after", "", "kept", "", "read", "", "opened", "")
		}
	}
	if f.below != nil {
		t.Newer = c.same("below", "", "after", "", "kept", "", "read", "", "opened", "")
	}
}

// boardRow shows a hold: how long it can be settled, and what it is about.
func (s *Server) boardRow(c *call, h payment.Hold, buyer party.Party) tableRow {
	w, root := c.words, h.Root()
	left := h.Deadline().Sub(c.now())
	t := leftTone(left)
	amount := cell{Text: w.Dollars(h.Open())}
	if h.Open().Cmp(h.Amount()) != 0 {
		amount.Detail = w.T("console.risk.of", "Amount", w.Dollars(h.Amount()))
	}
	return tableRow{Tone: t, Cells: []cell{
		{Chip: chip{span(w, left), t}},
		amount,
		{Text: string(root.Reference), Detail: string(root.ID), Address: caseAddress(c.caller.ID, string(root.ID))},
		{Text: cmp.Or(buyer.Name, buyer.Email, w.T("console.guest"))},
		moment(h.Deadline()),
		{Links: boardActions(c, h)},
	}}
}

// boardActions lead to the pages that ask before they act on a hold.
func boardActions(c *call, h payment.Hold) (all []link) {
	of := string(h.Root().Reference)
	for _, action := range []payment.Action{payment.ActSettle, payment.ActRelease} {
		if d, found := deedOf(action); found && c.may(d.permission) {
			all = append(all, link{
				Label: d.labelIn(c.words), Of: of, Address: c.link(d.address(h.ID())), Danger: d.danger,
			})
		}
	}
	if c.may(party.MayActOnHolds) {
		all = append(all, link{Label: c.words.T("console.remind.link"), Of: of, Address: c.link(remindPath(h.ID()))})
	}
	return all
}

// leftTone is the colour of a time until a deadline.
func leftTone(left time.Duration) tone {
	switch {
	case left <= 6*time.Hour:
		return wrong
	case left <= 24*time.Hour:
		return wait
	}
	return quiet
}

// bandFigures show how much is held for how long. Each leads to its holds.
func bandFigures(c *call, bands []store.RiskBand) (all []figure) {
	w := c.words
	for i, b := range bands {
		f := figure{
			Label: w.T("console.risk.later"), Value: w.Dollars(b.Open), Detail: w.N("console.risk.holds", b.Holds),
		}
		if b.Within > 0 {
			hours := strconv.Itoa(int(b.Within.Hours()))
			f.Label = w.T("console.risk.within", "Hours", hours)
			if i > 0 {
				f.Label = w.T("console.risk.between", "From", strconv.Itoa(int(bands[i-1].Within.Hours())), "To", hours)
			}
		}
		if b.Holds > 0 && i < 2 {
			f.Tone = leftTone(b.Within)
		}
		all = append(all, f)
	}
	return all
}
