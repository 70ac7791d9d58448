package console

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// notificationRoutes are the pages of a caller's notifications that have not
// arrived, and of the receivers of all callers.
func (s *Server) notificationRoutes() []route {
	return []route{
		{
			Method: get, Path: "notifications", In: ofCaller, Permission: party.MayRead, Nav: "console.notices.nav",
			show: s.showNotifications,
		},
		{Method: get, Path: "notifications/again", In: ofCaller, Permission: party.MayResend, show: s.askResendList},
		{Method: post, Path: "notifications/again", In: ofCaller, Permission: party.MayResend, show: s.resendList},
		{Method: get, Path: "notifications/selected", In: ofCaller, Permission: party.MayResend, show: s.askResendSome},
		{Method: post, Path: "notifications/selected", In: ofCaller, Permission: party.MayResend, show: s.resendSome},
		{
			Method: get, Path: "notifications/{subject}/{seq}", In: ofCaller, Permission: party.MayRead,
			show: s.showNotification,
		},
		{
			Method: get, Path: "notifications/{subject}/{seq}/again", In: ofCaller, Permission: party.MayResend,
			show: s.askResend,
		},
		{
			Method: post, Path: "notifications/{subject}/{seq}/again", In: ofCaller, Permission: party.MayResend,
			show: s.resend,
		},
		{
			Method: get, Path: "receivers", In: ofServer, Permission: party.MayRead, Nav: "console.notices.receivers",
			show: s.showReceivers,
		},
	}
}

const noticeRows = 50

// A noticeFilter selects a list of notifications.
type noticeFilter struct {
	store.NotificationFilter
	after store.NotificationMark
}

// all reports whether the filter chooses all that wait, from the beginning.
func (f noticeFilter) all() bool {
	return f == noticeFilter{NotificationFilter: store.NotificationFilter{List: store.ListWaiting}}
}

// noticeSpans are the values of the filter by age, in hours.
var noticeSpans = []int{1, 24, 168}

func noticeForm(c *call, action string) webui.Form {
	w := c.words
	var lists []webui.Option
	for _, l := range store.NotificationLists {
		lists = append(lists, webui.Option{Value: string(l), Label: listWord(w, l)})
	}
	return webui.Form{
		Action: action, Get: true, Submit: w.T("console.show"), Fields: []webui.Field{
			{Name: "list", Label: w.T("console.notices.list"), Options: lists, MayBeEmpty: true},
			sinceField(w),
			{Name: "receiver", Label: w.T("console.notices.receiver"), Autocomplete: "off", MayBeEmpty: true},
		},
	}
}

// sinceField is the choice of how far to look back.
func sinceField(w webui.Words) webui.Field {
	spans := []webui.Option{{Label: w.T("console.notices.any-time")}}
	spans = append(spans, hourOptions(noticeSpans, func(d time.Duration) string {
		return w.T("console.notices.last", "Span", span(w, d))
	})...)
	return webui.Field{Name: "since", Label: w.T("console.notices.since"), Options: spans, MayBeEmpty: true}
}

func listWord(w webui.Words, l store.NotificationList) string {
	switch l {
	case store.ListFailing:
		return w.T("console.notices.failing")
	case store.ListGivenUp:
		return w.T("console.notices.given-up")
	case store.ListWaiting:
	}
	return w.T("console.notices.waiting")
}

// readNoticeFilter reads the list and the time that were chosen. now is the time
// from which the page looks back.
func readNoticeFilter(c *call, now time.Time) (f noticeFilter, err error) {
	f.List = cmp.Or(store.NotificationList(c.form.Get("list")), store.ListWaiting)
	if !slices.Contains(store.NotificationLists, f.List) {
		return f, errNotThere
	}
	if f.Since, err = readSpan(c.form.Get("since"), now); err != nil {
		return f, err
	}
	f.Receiver = strings.ToLower(strings.TrimSpace(c.form.Get("receiver")))
	f.after, err = readMark(c.form.Get("after"))
	return f, err
}

// readSpan is the time that lies a number of hours back. Empty is the zero time.
func readSpan(hours string, now time.Time) (time.Time, error) {
	if hours == "" {
		return time.Time{}, nil
	}
	back, ok := readHours(noticeSpans, hours)
	if !ok {
		return time.Time{}, errNotThere
	}
	return now.Add(-back), nil
}

// readMark reads a place in a list of notifications.
func readMark(text string) (m store.NotificationMark, err error) {
	if text == "" {
		return m, nil
	}
	at, subject, seq, err := readStep(text)
	if err != nil || subject == "" {
		return m, errNotThere
	}
	return store.NotificationMark{At: at, Subject: subject, Seq: seq}, nil
}

func markText(m store.NotificationMark) string { return stepText(m.At, m.Subject, m.Seq) }

// givenUpShown is how far back given-up notifications are counted.
const givenUpShown = 30 * 24 * time.Hour

func (s *Server) showNotifications(c *call) error {
	f, err := readNoticeFilter(c, c.now())
	if err != nil {
		return err
	}
	v := noticeView{noticeFilter: f}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error { return v.read(tx, c) })
	if err != nil {
		return err
	}
	w := c.words
	form := noticeForm(c, c.link("notifications"))
	form.Fill(c.form)
	form.Fields[0].Value = string(f.List)
	p := page{Heading: w.T("console.notices.heading"), Lead: w.T("console.notices.lead"), Filter: &form}
	if c.caller.IPNURL == "" {
		p.Alert = w.T("console.notices.no-address")
	}
	list := block{Wide: true, Figures: countFigures(c, v.counts), Table: v.table(c)}
	if len(v.found) > 0 && f.List != store.ListWaiting && c.may(party.MayResend) {
		list.Links = []link{{
			Label: w.T("console.notices.again-all"), Address: c.link("notifications/again", c.noticeChoice()...),
		}}
	}
	p.Blocks = []block{list}
	if len(v.receivers) > 0 {
		p.Blocks = append(p.Blocks, block{
			Heading: w.T("console.lists.by-receiver"), Wide: true, Table: v.receiverTable(c),
			Note: w.T("console.lists.newest-counted", "N", w.Count(store.NoticeCountMost)),
		})
	}
	return s.render(c, p)
}

// noticeChoice are the parameters that choose a list, as pairs.
func (c *call) noticeChoice() []string {
	return []string{
		"list", c.form.Get("list"), "since", c.form.Get("since"), "receiver", c.form.Get("receiver"),
	}
}

// A noticeView is what the page of notifications shows.
type noticeView struct {
	noticeFilter
	fresh     []store.Notification // not tried yet
	found     []store.Notification // a page of the queue, and one more
	counts    store.NotificationCounts
	receivers []store.ReceiverCount
}

func (v *noticeView) read(tx *store.ReadTx, c *call) (err error) {
	v.found, err = tx.QueuedNotifications(store.NotificationPage{
		NotificationFilter: v.NotificationFilter, Caller: c.caller.ID, After: v.after, Limit: noticeRows + 1,
	})
	if err != nil {
		return err
	}
	if v.fresh, err = tx.NotificationsInLine(c.caller.ID, store.NoticeCountMost); err != nil {
		return err
	}
	since := c.now().Add(-givenUpShown)
	if v.counts, err = tx.CountNotifications(c.caller.ID, since); err != nil {
		return err
	}
	v.counts.Waiting += len(v.fresh)
	if !v.all() {
		v.fresh = nil
	}
	v.receivers, err = tx.ReceiversOf(c.caller.ID, since)
	return err
}

// countFigures lead to the three lists.
func countFigures(c *call, n store.NotificationCounts) (all []figure) {
	w := c.words
	for _, one := range []struct {
		list store.NotificationList
		n    int
		tone tone
	}{{store.ListWaiting, n.Waiting, quiet}, {store.ListFailing, n.Failing, wait}, {store.ListGivenUp, n.GivenUp, wrong}} {
		f := figure{
			Label: listWord(w, one.list), Value: upTo(w, one.n, store.NoticeCountMost),
			Address: c.link("notifications", "list", string(one.list)),
		}
		if one.n > 0 {
			f.Tone = one.tone
		}
		if one.list == store.ListWaiting && !n.Oldest.IsZero() {
			f.Detail = w.T("console.notices.oldest", "Span", span(w, c.now().Sub(n.Oldest)))
		}
		if one.list == store.ListGivenUp {
			f.Detail = w.T("console.notices.last", "Span", span(w, givenUpShown))
		}
		all = append(all, f)
	}
	return all
}

// upTo is a number that was counted up to most.
func upTo(w webui.Words, n, most int) string {
	if n >= most {
		return w.T("console.notices.at-least", "N", w.Count(int64(most)))
	}
	return w.Count(int64(n))
}

// table lists notifications: those that were not tried yet, and then a page of the
// queue.
func (v noticeView) table(c *call) *table {
	w := c.words
	t := &table{
		Caption: listWord(w, v.List), Empty: w.T("console.notices.none"),
		Columns: []column{
			{Label: w.T("console.notices.about"), Shape: code},
			{Label: w.T("console.notices.state")},
			{Label: w.T("console.notices.created")},
			{Label: w.T("console.notices.tries"), Shape: number},
			{Label: w.T("console.notices.next")},
			{Label: w.T("console.notices.receiver")},
			{Label: w.T("console.notices.answer")},
		},
	}
	if c.may(party.MayResend) {
		t.Pick = &pick{
			Action: c.link("notifications/selected"), Hidden: given(c.noticeChoice()...),
			Submit: w.T("console.lists.again"),
		}
	}
	fresh := v.fresh[:min(len(v.fresh), noticeRows)]
	for _, n := range slices.Concat(fresh, v.found[:min(len(v.found), noticeRows)]) {
		id := n.Subject() + "-" + strconv.Itoa(n.Seq)
		t.Rows = append(t.Rows, tableRow{Pick: id, Cells: []cell{
			linked(id, c.noticeLink(n.Subject(), n.Seq, "")), state(noticeChip(w, n)),
			moment(n.Created), text(strconv.Itoa(n.Tries)), nextTry(n), text(receiverOf(c.caller, n)), text(n.LastResult),
		}})
	}
	if len(v.found) > noticeRows {
		t.Older = c.same("after", markText(v.List.Mark(v.found[noticeRows-1])))
	}
	if v.after != (store.NotificationMark{}) {
		t.Newer = c.same("after", "")
	}
	return t
}

// receiverTable shows how many notifications each receiver has not taken. It leads to
// those of the list that the page shows.
func (v noticeView) receiverTable(c *call) *table {
	w := c.words
	t := &table{Columns: []column{
		{Label: w.T("console.notices.receiver")},
		{Label: w.T("console.notices.waiting"), Shape: number},
		{Label: w.T("console.notices.failing"), Shape: number},
		{Label: w.T("console.notices.given-up"), Shape: number},
	}}
	counted := func(n int) cell { return text(upTo(w, n, store.NoticeCountMost)) }
	for _, r := range v.receivers {
		name := text(w.T("console.lists.not-sent"))
		if r.Receiver != "" {
			name = linked(r.Receiver, c.link("notifications", "list", string(v.List), "receiver", r.Receiver))
		}
		t.Rows = append(t.Rows, tableRow{Tone: toneOf(r), Cells: []cell{
			name, counted(r.Waiting), counted(r.Failing), counted(r.GivenUp),
		}})
	}
	return t
}

// toneOf is the colour of a row about a receiver.
func toneOf(r store.ReceiverCount) tone {
	switch {
	case r.GivenUp > 0:
		return wrong
	case r.Failing > 0:
		return wait
	}
	return quiet
}

// noticeLink is the address of the page of a notification, or of an action on it.
func (c *call) noticeLink(subject string, seq int, more string) string {
	return c.link("notifications/" + url.PathEscape(subject) + "/" + strconv.Itoa(seq) + more)
}

func nextTry(n store.Notification) cell {
	if n.Outcome != store.NotificationWaiting {
		return cell{}
	}
	return moment(n.NextAt)
}

func noticeChip(w webui.Words, n store.Notification) chip {
	switch n.Outcome {
	case store.NotificationDelivered:
		return chip{w.T("console.notices.delivered"), good}
	case store.NotificationGivenUp:
		return chip{w.T("console.notices.given-up"), wrong}
	case store.NotificationWaiting:
	}
	if n.LastResult != "" {
		return chip{w.T("console.notices.failing"), wait}
	}
	return chip{w.T("console.notices.waiting"), busy}
}

// receiverOf is the host to which a notification was sent the last time, or to which it
// is to go if it was not sent yet.
func receiverOf(c party.Caller, n store.Notification) string {
	return store.ReceiverOf(cmp.Or(n.URL, c.IPNURL))
}

// noticeOf reads the notification that the path names.
func (s *Server) noticeOf(c *call) (n store.Notification, fields holdfast.Params, err error) {
	seq, wrong := strconv.Atoi(c.r.PathValue("seq"))
	if wrong != nil {
		return n, nil, errNotThere
	}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Notifications(c.caller.ID, c.r.PathValue("subject"))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(n store.Notification) bool { return n.Seq == seq })
		if i < 0 {
			return errNotThere
		}
		n = all[i]
		if n.Body != "" {
			fields, err = holdfast.ParseParams(n.Body)
			return err
		}
		tellings, err := tx.Tellings([]store.Delivery{{Notification: n}})
		if err == nil && tellings[0].Missing == nil && s.Compose != nil {
			fields = s.Compose(tellings[0])
		}
		return err
	})
	return n, fields, err
}

func (s *Server) showNotification(c *call) error {
	n, fields, err := s.noticeOf(c)
	if err != nil {
		return err
	}
	w := c.words
	p := page{
		Heading: w.T("console.notices.notification"), Chip: noticeChip(w, n), Up: c.upToNotices(),
		Blocks: []block{{Facts: noticeFacts(c, n)}},
	}
	if len(fields) > 0 {
		p.Blocks = append(p.Blocks, block{Heading: w.T("console.notices.says"), Pre: lines(fields)})
	}
	if c.may(party.MayResend) {
		p.Links = []link{{Label: w.T("console.notices.again"), Address: c.noticeLink(n.Subject(), n.Seq, "/again")}}
	}
	return s.render(c, p)
}

// lines shows the fields of a message, one in each line.
func lines(fields holdfast.Params) string {
	var text strings.Builder
	for _, f := range fields {
		text.WriteString(f.Name + "=" + f.Value + "\n")
	}
	return text.String()
}

func (c *call) upToNotices() link {
	return link{Label: c.words.T("console.notices.heading"), Address: c.link("notifications")}
}

func noticeFacts(c *call, n store.Notification) []fact {
	w := c.words
	about := fact{w.T("console.notices.transaction"), linked(n.Subject(), caseAddress(c.caller.ID, n.Subject()))}
	if n.About == store.AboutToken {
		about = factOf(w.T("console.notices.token"), n.Subject())
	}
	facts := []fact{
		about, factOf(w.T("console.notices.step"), strconv.Itoa(n.Seq)),
		factOf(w.T("console.notices.receiver"), receiverOf(c.caller, n)),
		{w.T("console.notices.created"), moment(n.Created)},
		factOf(w.T("console.notices.tries"), strconv.Itoa(n.Tries)),
	}
	if n.Outcome == store.NotificationWaiting {
		facts = append(facts, fact{w.T("console.notices.next"), moment(n.NextAt)})
	}
	if !n.Done.IsZero() {
		facts = append(facts, fact{noticeChip(w, n).Word, moment(n.Done)})
	}
	if n.LastResult != "" {
		facts = append(facts, factOf(w.T("console.notices.answer"), n.LastResult))
	}
	return facts
}
