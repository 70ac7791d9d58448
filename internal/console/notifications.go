package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
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
	list  store.NotificationList
	since time.Time // by the caller's clock; zero means all
	after store.NotificationMark
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
	f.list = store.NotificationList(c.form.Get("list"))
	if f.list == "" {
		f.list = store.ListWaiting
	}
	if !slices.Contains(store.NotificationLists, f.list) {
		return f, errNotThere
	}
	if f.since, err = readSpan(c.form.Get("since"), now); err != nil {
		return f, err
	}
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

// readMark reads a place in a list, "1764518400000000.1ABC….2".
func readMark(text string) (m store.NotificationMark, err error) {
	if text == "" {
		return m, nil
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return m, errNotThere
	}
	micros, err := strconv.ParseInt(parts[0], 10, 64)
	seq, wrong := strconv.Atoi(parts[2])
	if err != nil || wrong != nil || micros < 0 || parts[1] == "" {
		return m, errNotThere
	}
	return store.NotificationMark{At: time.UnixMicro(micros).UTC(), Subject: parts[1], Seq: seq}, nil
}

func markText(m store.NotificationMark) string {
	return strconv.FormatInt(m.At.UnixMicro(), 10) + "." + m.Subject + "." + strconv.Itoa(m.Seq)
}

// givenUpShown is how far back given-up notifications are counted.
const givenUpShown = 30 * 24 * time.Hour

func (s *Server) showNotifications(c *call) error {
	f, err := readNoticeFilter(c, c.now())
	if err != nil {
		return err
	}
	var fresh, found []store.Notification
	var counts store.NotificationCounts
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		found, err = tx.QueuedNotifications(store.NotificationPage{
			Caller: c.caller.ID, List: f.list, Since: f.since, After: f.after, Limit: noticeRows + 1,
		})
		if err != nil {
			return err
		}
		if fresh, err = tx.NotificationsInLine(c.caller.ID, store.NoticeCountMost); err != nil {
			return err
		}
		counts, err = tx.CountNotifications(c.caller.ID, c.now().Add(-givenUpShown))
		return err
	})
	if err != nil {
		return err
	}
	counts.Waiting += len(fresh)
	if f.list != store.ListWaiting || f.after != (store.NotificationMark{}) || !f.since.IsZero() {
		fresh = nil
	}
	w := c.words
	form := noticeForm(c, c.link("notifications"))
	form.Fill(c.form)
	form.Fields[0].Value = string(f.list)
	p := page{Heading: w.T("console.notices.heading"), Lead: w.T("console.notices.lead"), Filter: &form}
	if c.caller.IPNURL == "" {
		p.Alert = w.T("console.notices.no-address")
	}
	list := block{Wide: true, Figures: countFigures(c, counts), Table: noticeTable(c, f, fresh, found)}
	if len(found) > 0 && f.list != store.ListWaiting && c.may(party.MayResend) {
		list.Links = []link{{
			Label:   w.T("console.notices.again-all"),
			Address: c.link("notifications/again", "list", string(f.list), "since", c.form.Get("since")),
		}}
	}
	p.Blocks = []block{list}
	return s.render(c, p)
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
			Label: listWord(w, one.list), Value: upTo(w, one.n), Address: c.link("notifications", "list", string(one.list)),
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

// upTo is a number of which at most 1,000 were counted.
func upTo(w webui.Words, n int) string {
	if n >= store.NoticeCountMost {
		return w.T("console.notices.at-least", "N", w.Count(store.NoticeCountMost))
	}
	return w.Count(int64(n))
}

// noticeTable lists notifications: those that were not tried yet, and then a page of
// the queue.
func noticeTable(c *call, f noticeFilter, fresh, found []store.Notification) *table {
	w := c.words
	t := &table{
		Caption: listWord(w, f.list), Empty: w.T("console.notices.none"),
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
	fresh = fresh[:min(len(fresh), noticeRows)]
	for _, n := range slices.Concat(fresh, found[:min(len(found), noticeRows)]) {
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			linked(n.Subject()+"-"+strconv.Itoa(n.Seq), c.noticeLink(n.Subject(), n.Seq, "")), state(noticeChip(w, n)),
			moment(n.Created), text(strconv.Itoa(n.Tries)), nextTry(n), text(receiverOf(c.caller, n)), text(n.LastResult),
		}})
	}
	if len(found) > noticeRows {
		t.Older = c.same("after", markText(f.list.Mark(found[noticeRows-1])))
	}
	if f.after != (store.NotificationMark{}) {
		t.Newer = c.same("after", "")
	}
	return t
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

// receiverOf is the host to which the next try of a notification goes, or the last
// one went. The rest of the address may have a secret in its query.
func receiverOf(c party.Caller, n store.Notification) string {
	address := n.URL
	if !n.Overrides && n.Outcome == store.NotificationWaiting {
		address = c.IPNURL
	}
	return hostOf(address)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
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

func (s *Server) askResend(c *call) error {
	n, _, err := s.noticeOf(c)
	if err != nil {
		return err
	}
	w := c.words
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.T("console.notices.again-heading"), Lead: w.T("console.notices.again-lead"),
		Up: link{Label: w.T("console.notices.notification"), Address: c.noticeLink(n.Subject(), n.Seq, "")}, Chip: noticeChip(w, n),
		Facts: noticeFacts(c, n), Form: webui.Form{Submit: w.T("console.notices.again")},
	})
}

// resend makes one notification due. A double click changes nothing more.
func (s *Server) resend(c *call) error {
	n, _, err := s.noticeOf(c)
	if err != nil {
		return err
	}
	_, err = s.Processor.SendAgain(c.r.Context(), processor.NoticeKey{
		Caller: c.caller.ID, Subject: n.Subject(), Seq: n.Seq,
	})
	if err != nil && !errors.Is(err, processor.ErrNoNotification) { // it is under way at this moment
		return err
	}
	return c.did("console.done.notice-again", c.noticeLink(n.Subject(), n.Seq, ""))
}

func (s *Server) askResendList(c *call) error {
	f, err := readNoticeFilter(c, c.now())
	if err != nil {
		return err
	}
	w := c.words
	field := sinceField(w)
	field.Value = c.form.Get("since")
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.T("console.notices.again-all"), Lead: w.T("console.notices.again-lead"), Up: c.upToNotices(),
		Facts: []fact{factOf(w.T("console.notices.list"), listWord(w, f.list))}, Note: w.T("console.notices.again-note"),
		Form: webui.Form{
			Action: c.link("notifications/again"), Submit: w.T("console.notices.again-all"),
			Hidden: holdfast.Params{{Name: "list", Value: string(f.list)}}, Fields: []webui.Field{field},
		},
	})
}

func (s *Server) resendList(c *call) error {
	f, err := readNoticeFilter(c, c.now())
	if err != nil {
		return err
	}
	if _, err := s.Processor.SendListAgain(c.r.Context(), c.caller.ID, f.list, f.since); err != nil {
		return err
	}
	return c.did("console.done.notices-again", c.link("notifications", "list", string(store.ListWaiting)))
}
