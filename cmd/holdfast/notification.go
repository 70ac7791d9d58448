package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type notificationVerb struct {
	List  notificationList  `cmd:"" help:"List notifications that have not arrived, those that were given up first."`
	Show  notificationShow  `cmd:"" help:"Show the notifications about a transaction or a token, with what they say and the last answer."`
	Again notificationAgain `cmd:"" help:"Send notifications again: some, or all of a kind."`
}

// A notificationRow is a notification as --json and --csv print it. Its times are
// the caller's.
type notificationRow struct {
	DeliveryID string                  `json:"deliveryId"` // its header Holdfast-Delivery
	CallerID   party.CallerID          `json:"callerId"`
	About      store.NotificationAbout `json:"about"`
	SubjectID  string                  `json:"subjectId"`
	Step       int                     `json:"step"`
	State      string                  `json:"state"`
	Created    time.Time               `json:"created"`
	Tries      int                     `json:"tries"`
	NextTry    time.Time               `json:"nextTry,omitzero"`
	Done       time.Time               `json:"done,omitzero"`
	URL        string                  `json:"url,omitempty"`
	Result     string                  `json:"result,omitempty"`
	Fields     map[string]string       `json:"fields,omitempty"` // what it says; by show only
	order      []string                // of the fields
}

// The states of a notification in a list.
const (
	stateWaiting   = "waiting"
	stateFailing   = "failing"
	stateGivenUp   = "given up"
	stateDelivered = "delivered"
)

func describeNotification(n store.Notification, c party.Caller) notificationRow {
	row := notificationRow{
		DeliveryID: deliveryID(n), CallerID: n.Caller, About: n.About, SubjectID: n.Subject(), Step: n.Seq,
		State: stateOfNotification(n), Created: n.Created, Tries: n.Tries, Done: n.Done, URL: n.URL, Result: n.LastResult,
	}
	if n.Outcome == store.NotificationWaiting {
		row.NextTry = n.NextAt
	}
	if !n.Overrides && n.Outcome == store.NotificationWaiting {
		row.URL = c.IPNURL // to which the next try goes
	}
	return row
}

func deliveryID(n store.Notification) string { return fmt.Sprintf("%s-%d", n.Subject(), n.Seq) }

func stateOfNotification(n store.Notification) string {
	switch n.Outcome {
	case store.NotificationDelivered:
		return stateDelivered
	case store.NotificationGivenUp:
		return stateGivenUp
	case store.NotificationWaiting:
	}
	if n.LastResult != "" {
		return stateFailing
	}
	return stateWaiting
}

// receiver is the host of an address. Lists show no more of it, because a query
// may be secret.
func receiver(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "no address"
	}
	return u.Host
}

func (r notificationRow) cells() []string {
	return []string{
		r.DeliveryID, string(r.CallerID), r.State, shortTime(r.Created), strconv.Itoa(r.Tries), shortTime(r.NextTry),
		receiver(r.URL), r.Result,
	}
}

func (r notificationRow) record() []string {
	return []string{
		r.DeliveryID, string(r.CallerID), string(r.About), r.SubjectID, strconv.Itoa(r.Step), r.State, timeCell(r.Created),
		strconv.Itoa(r.Tries), timeCell(r.NextTry), timeCell(r.Done), receiver(r.URL), r.Result,
	}
}

func (r notificationRow) facts() []fact {
	facts := []fact{
		{"notification", r.DeliveryID},
		{"caller", string(r.CallerID)},
		{"about", strings.ToLower(string(r.About)) + " " + r.SubjectID},
		{"state", r.State},
		{"address", or(r.URL, "none")},
		{"created", moment(r.Created)},
		{"tries", strconv.Itoa(r.Tries)},
		{"next try", moment(r.NextTry)},
		{r.State, moment(r.Done)},
		{"last answer", r.Result},
	}
	for _, name := range r.order {
		facts = append(facts, fact{name, r.Fields[name]})
	}
	return facts
}

type notificationList struct {
	storeFlags
	Caller   string `help:"List the notifications of this caller only." placeholder:"ID"`
	Waiting  bool   `help:"List those that wait for a try, the first or another." xor:"which"`
	Failing  bool   `help:"List those whose last try failed and that are tried again." xor:"which"`
	GivenUp  bool   `help:"List those that nobody took for a day." xor:"which"`
	Since    string `help:"List only those since this time, such as 2026-11-23T10:00:00Z, or of this last time, such as 3h or 2d." placeholder:"TIME"`
	Receiver string `help:"List only those that were last sent to this host, such as shop.example.com, or that were not sent yet and go there." placeholder:"HOST"`
	Max      int    `help:"List at most this many." default:"100" placeholder:"ROWS"`
	listOutput
}

// Validate is called by kong. A wrong value ends with exitMisused.
func (v notificationList) Validate() error { return checkMax(v.Max) }

// lists are the lists that were chosen: without a flag, all that have not arrived.
func (v notificationList) lists() []store.NotificationList {
	switch {
	case v.Waiting:
		return []store.NotificationList{store.ListWaiting}
	case v.Failing:
		return []store.NotificationList{store.ListFailing}
	case v.GivenUp:
		return []store.NotificationList{store.ListGivenUp}
	}
	return []store.NotificationList{store.ListGivenUp, store.ListWaiting}
}

func (v notificationList) Run(ctx context.Context, w world) error {
	real := processor.Micro(w.Now())
	since, err := readSince(v.Since, real)
	if err != nil {
		return misuseError{err}
	}
	db, callers, err := v.openForAll(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	var rows []notificationRow
	for _, list := range v.lists() {
		for _, c := range callers {
			found, err := undelivered(ctx, db.Reader, c, store.NotificationFilter{
				List: list, Since: sinceOf(c, since), Receiver: strings.ToLower(v.Receiver),
			}, v.Max+1-len(rows))
			if err != nil {
				return err
			}
			for _, n := range found {
				rows = append(rows, describeNotification(n, c))
			}
		}
	}
	more := len(rows) > v.Max
	err = printList(w, v.listOutput, rows[:min(len(rows), v.Max)], []string{
		"delivery_id", "caller_id", "about", "subject_id", "step", "state", "created", "tries", "next_try", "done", "receiver",
		"result",
	}, []string{"NOTIFICATION", "CALLER", "STATE", "CREATED", "TRIES", "NEXT TRY", "RECEIVER", "LAST ANSWER"})
	return sayMore(w, v.Max, more, err)
}

// sinceOf is a real time by the clock of a caller, which its notifications have. The
// zero time means all of them.
func sinceOf(c party.Caller, since time.Time) time.Time {
	if since.IsZero() {
		return since
	}
	return c.Now(since)
}

const noticePage = 200

// undelivered reads at most limit notifications of a list, in pages. Those that
// wait include the ones that were not tried yet.
func undelivered(
	ctx context.Context, r store.Reader, c party.Caller, f store.NotificationFilter, limit int,
) (all []store.Notification, err error) {
	page := store.NotificationPage{
		Caller: c.ID, NotificationFilter: f, Unsent: f.Receiver == store.ReceiverOf(c.IPNURL),
	}
	for len(all) < limit {
		page.Limit = min(limit-len(all), noticePage)
		var found, fresh []store.Notification
		err := r.View(ctx, func(tx *store.ReadTx) (err error) {
			if f.List == store.ListWaiting && page.After == (store.NotificationMark{}) {
				if fresh, err = tx.NotificationsInLine(c.ID, page.Limit); err != nil {
					return err
				}
			}
			found, err = tx.QueuedNotifications(page)
			return err
		})
		if err != nil {
			return nil, err
		}
		fresh = slices.DeleteFunc(fresh, func(n store.Notification) bool {
			return n.Created.Before(f.Since) || f.Receiver != "" && store.ReceiverOf(cmp.Or(n.URL, c.IPNURL)) != f.Receiver
		})
		all = append(append(all, fresh...), found...)
		if len(found) < page.Limit {
			break
		}
		page.After = f.List.Mark(found[len(found)-1])
	}
	return all[:min(len(all), limit)], nil
}

// A noticeID chooses notifications: those about a transaction or token, or one of
// them, such as 1MIT4PX…-2.
type noticeID struct {
	subject string
	seq     int // 0 means all
}

// UnmarshalText reads an id.
func (i *noticeID) UnmarshalText(text []byte) error {
	subject, seq, one := strings.Cut(string(text), "-")
	i.subject, i.seq = subject, 0
	if one {
		n, err := strconv.Atoi(seq)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no notification; see holdfast notification list", text)
		}
		i.seq = n
	}
	return nil
}

func (i noticeID) String() string {
	if i.seq == 0 {
		return i.subject
	}
	return fmt.Sprintf("%s-%d", i.subject, i.seq)
}

// find reads the notifications that an id chooses, of the first of some callers
// that has any.
func (i noticeID) find(tx *store.ReadTx, callers []party.Caller) (all []store.Notification, c party.Caller, err error) {
	for _, c = range callers {
		if all, err = tx.Notifications(c.ID, i.subject); err != nil {
			return nil, c, err
		}
		all = slices.DeleteFunc(all, func(n store.Notification) bool { return i.seq != 0 && n.Seq != i.seq })
		if len(all) > 0 {
			return all, c, nil
		}
	}
	return nil, c, fmt.Errorf("there is no notification %s; see holdfast notification list", i)
}

type notificationShow struct {
	storeFlags
	Caller string   `help:"Show only those of this caller." placeholder:"ID"`
	ID     noticeID `arg:"" help:"Choose by the id of a transaction or token, or of one notification."`
	JSON   bool     `name:"json" help:"Print one line of JSON for each."`
}

func (v notificationShow) Run(ctx context.Context, w world) error {
	db, callers, err := v.openForAll(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	var rows []notificationRow
	err = db.View(ctx, func(tx *store.ReadTx) error {
		all, c, err := v.ID.find(tx, callers)
		if err != nil {
			return err
		}
		rows = nil
		for _, n := range all {
			fields, err := whatItSays(tx, n)
			if err != nil {
				return err
			}
			rows = append(rows, describeNotification(n, c).with(fields))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, r := range rows {
		switch {
		case v.JSON:
			err = printJSON(w.Out, r)
		default:
			if i > 0 {
				fmt.Fprintln(w.Out)
			}
			err = printFacts(w.Out, r.facts())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// whatItSays are the fields of a notification: as they were sent, if they are kept,
// otherwise as they would be composed now.
func whatItSays(tx *store.ReadTx, n store.Notification) (holdfast.Params, error) {
	if n.Body != "" {
		return holdfast.ParseParams(n.Body)
	}
	tellings, err := tx.Tellings([]store.Delivery{{Notification: n}})
	if err != nil || tellings[0].Missing != nil {
		return nil, err
	}
	return composeNotice(tellings[0]), nil
}

func (r notificationRow) with(fields holdfast.Params) notificationRow {
	r.Fields = make(map[string]string, len(fields))
	for _, f := range fields {
		r.order = append(r.order, f.Name)
		r.Fields[f.Name] = f.Value
	}
	return r
}

type notificationAgain struct {
	storeFlags
	Caller   string     `help:"Send only notifications of this caller." placeholder:"ID"`
	IDs      []noticeID `arg:"" optional:"" name:"id" help:"Send all notifications about the transaction or token with this id, or one notification."`
	GivenUp  bool       `help:"Send all that were given up." xor:"which"`
	Failing  bool       `help:"Send all whose last try failed, without waiting for their next try." xor:"which"`
	Since    string     `help:"Send only those of them that were given up or written since this time, such as 2026-11-23T10:00:00Z, or in this last time, such as 3h or 2d." placeholder:"TIME"`
	Receiver string     `help:"Send only those of them that were sent to this host, such as shop.example.com." placeholder:"HOST"`
	JSON     bool       `name:"json" help:"Print one line of JSON."`
}

func (notificationAgain) Help() string {
	return `A running server sends them. The receiver gets a notification again, whether or not it has taken it before.

Examples:

    holdfast notification again --store holdfast.db 1MIT4PX0K7Q2-2 1MIT5QA2M9X4-2
    holdfast notification again --store holdfast.db --given-up --since 2d --receiver shop.example.com
`
}

func (v notificationAgain) Run(ctx context.Context, w world) error {
	bulk := v.GivenUp || v.Failing
	if bulk == (len(v.IDs) > 0) {
		return misuseError{errors.New("which notifications? Give ids, --given-up or --failing")}
	}
	if (v.Since != "" || v.Receiver != "") && !bulk {
		return misuseError{errors.New("--since and --receiver go with --given-up or --failing")}
	}
	since, err := readSince(v.Since, processor.Micro(w.Now()))
	if err != nil {
		return misuseError{err}
	}
	db, callers, err := v.openForAll(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	sent := 0
	if bulk {
		sent, err = v.all(ctx, db, w, callers, since)
	} else {
		sent, err = v.some(ctx, db, w, callers)
	}
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, map[string]int{"queued": sent})
	}
	fmt.Fprintf(w.Out, "%s to be sent again\n", counted(sent, "notification"))
	return nil
}

// all sends a list of notifications of all callers again.
func (v notificationAgain) all(
	ctx context.Context, db *store.DB, w world, callers []party.Caller, since time.Time,
) (sent int, err error) {
	list := store.ListGivenUp
	if v.Failing {
		list = store.ListFailing
	}
	for _, c := range callers {
		n, err := clerk(db, w).SendListAgain(ctx, c.ID, store.NotificationFilter{
			List: list, Since: sinceOf(c, since), Receiver: strings.ToLower(v.Receiver),
		})
		sent += n
		if err != nil {
			return sent, fmt.Errorf("after %s: %w", counted(sent, "notification"), err)
		}
	}
	return sent, nil
}

// some sends the notifications with the ids that were given again. An unknown id
// sends nothing.
func (v notificationAgain) some(
	ctx context.Context, db *store.DB, w world, callers []party.Caller,
) (sent int, err error) {
	keys := map[party.CallerID][]processor.NoticeKey{}
	err = db.View(ctx, func(tx *store.ReadTx) error {
		clear(keys)
		for _, id := range v.IDs {
			_, c, err := id.find(tx, callers)
			if err != nil {
				return err
			}
			keys[c.ID] = append(keys[c.ID], processor.NoticeKey{Subject: id.subject, Seq: id.seq})
		}
		return nil
	})
	for _, c := range slices.Sorted(maps.Keys(keys)) {
		if err != nil {
			return sent, err
		}
		var n int
		n, err = clerk(db, w).SendAgain(ctx, c, keys[c]...)
		sent += n
	}
	return sent, err
}
