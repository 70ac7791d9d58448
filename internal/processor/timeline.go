package processor

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// An EntryKind says what kind of thing an entry of a timeline is about.
type EntryKind string

// The kinds of entries.
const (
	EntryStep     EntryKind = "step"     // of a transaction, with its postings
	EntryQuestion EntryKind = "question" // to the card network, with its answer
	EntryNetwork  EntryKind = "network"  // an event that the card network has told
	EntryDispute  EntryKind = "dispute"
	EntryNotice   EntryKind = "notice"  // to the caller
	EntryWebhook  EntryKind = "webhook" // an event on its way to an endpoint
	EntryWarning  EntryKind = "warning" // of the deadline
	EntryToken    EntryKind = "token"   // the buyer's approval
	EntryMail     EntryKind = "mail"    // to the buyer, or to the owner of the caller
	EntryAudit    EntryKind = "audit"   // what a person or a program did, as the audit log has it
)

// EntryKinds lists every kind.
var EntryKinds = []EntryKind{
	EntryStep, EntryQuestion, EntryNetwork, EntryDispute, EntryNotice, EntryWebhook, EntryWarning, EntryToken,
	EntryMail, EntryAudit,
}

// An Entry is one thing that happened to a hold or a payment. Which fields are set
// depends on its kind.
type Entry struct {
	At     time.Time // by the caller's clock
	Kind   EntryKind
	Object string // the id of the transaction or the token
	// What is the verb of a step, the question to the network, the type of an event, the
	// kind of a mail, the action of an entry of the audit log, or the time before the
	// deadline of a warning.
	What string
	// Result is the state after a step, the answer to a question, or the outcome of a
	// delivery.
	Result   string
	Code     string // of the step
	Message  string // in words, for people
	Amount   money.Amount
	Postings []ledger.Posting
	URL      string // of a notice or a webhook, without its query
	To       string // of a mail: the address without most of its name
	Tries    int    // of a delivery, or of a question without an answer
	Seq      int    // of the step that a notice is about
	Actor    string // of an entry of the audit log, for people
}

// ResultQueued is the result of a warning whose mail is not written.
const ResultQueued = "Queued"

// Limits of a timeline.
const (
	timelineEvents   = 50  // events of an object whose deliveries are shown
	timelineObjects  = 20  // objects whose events are looked up
	timelineNetwork  = 20  // events about an object of a network
	timelineWarnings = 100 // members whose warnings are shown
	timelineActions  = 50  // entries of the audit log about an object
)

// A timeline collects the entries of a case.
type timeline struct {
	*Case
	tx           *store.ReadTx
	transactions []payment.Transaction
	mails        []string // the ids that mails about the case have
}

// add adds an entry.
func (t *timeline) add(e Entry) { t.Timeline = append(t.Timeline, e) }

// theirs is a real time by the caller's clock.
func (t *timeline) theirs(real time.Time) time.Time {
	if real.IsZero() {
		return real
	}
	return t.Caller.Now(real)
}

func (t *timeline) read() error {
	sent := func() error { t.sent(); return nil }
	for _, part := range []func() error{t.token, t.steps, t.network, sent, t.webhooks, t.warnings, t.letters, t.audit} {
		if err := part(); err != nil {
			return err
		}
	}
	slices.SortStableFunc(t.Timeline, func(a, b Entry) int { return a.At.Compare(b.At) })
	return nil
}

// token adds the buyer's approval.
func (t *timeline) token() error {
	k := t.Token
	if k.ID == "" {
		return nil
	}
	t.mails = append(t.mails, receiptOfToken(k))
	t.add(Entry{
		At: k.Installed, Kind: EntryToken, Object: string(k.ID), What: string(k.Type), Result: string(k.State(t.Now)),
		Amount: k.Amount, Message: k.Reason,
	})
	return nil
}

// steps adds the steps, and the questions to the network that they have asked.
func (t *timeline) steps() error {
	of := make(map[string]payment.Transaction, len(t.transactions))
	ids := payment.IDsOf(t.transactions)
	for _, one := range t.transactions {
		of[string(one.ID)] = one
	}
	all, err := t.tx.StepsOf(t.Caller.ID, ids)
	if err != nil {
		return err
	}
	asked := make(map[string]int) // questions of each transaction that have an entry
	written := make(map[string]int)
	for _, s := range all {
		id := string(s.Transaction)
		written[id]++
		t.mails = append(t.mails, receiptOfStep(s.Transaction, s.Seq))
		t.step(s)
		attempts := of[id].Attempts()
		for n := asked[id]; n < len(attempts) && payment.Asks(s.Verb, attempts[n].Step); n++ {
			t.question(s, attempts[n])
			asked[id]++
		}
	}
	for _, one := range t.transactions {
		attempts := one.Attempts()
		for _, a := range attempts[min(asked[string(one.ID)], len(attempts)):] { // asked after the last step
			t.question(store.TimelineStep{
				Transaction: one.ID, HistoryRow: payment.HistoryRow{At: latest(one.Received, one.Completed)},
			}, a)
		}
		if one.Steps > written[string(one.ID)] { // an expiry that is due and not written yet
			t.add(Entry{
				At: one.Completed, Kind: EntryStep, Object: string(one.ID), What: string(payment.VerbExpire),
				Result: string(one.State), Code: string(one.StatusCode), Message: one.StatusMessage, Amount: one.Current(),
			})
		}
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (t *timeline) step(s store.TimelineStep) {
	t.add(Entry{
		At: s.At, Kind: EntryStep, Object: string(s.Transaction), What: string(s.Verb), Result: string(s.After),
		Code: string(s.StatusCode), Message: s.StatusMessage, Amount: s.Amount, Postings: s.Postings, Seq: s.Seq,
	})
}

// question adds a question to the network, dated by the step that asked it.
func (t *timeline) question(s store.TimelineStep, a payment.Attempt) {
	t.add(Entry{
		At: s.At, Kind: EntryQuestion, Object: string(s.Transaction), What: string(a.Step), Result: string(a.State),
		Amount: a.Amount, Tries: a.Asked,
	})
}

// network adds what the card network has told by itself.
func (t *timeline) network() error {
	for _, d := range t.Disputes {
		t.add(Entry{
			At: t.theirs(d.Opened), Kind: EntryDispute, Object: string(d.Transaction), What: d.ID, Result: d.Status,
			Message: d.Reason, Amount: d.Amount,
		})
	}
	if t.Card.Account == "" {
		return nil
	}
	var names []string
	for _, p := range t.Network {
		names = append(names, p.Reference, p.Charge)
	}
	slices.Sort(names)
	events, err := t.tx.NetworkEventsAbout(t.Card.Account, slices.Compact(names), timelineNetwork)
	for _, e := range events {
		t.add(Entry{
			At: t.theirs(e.Received), Kind: EntryNetwork, Object: cmp.Or(e.Parent, e.Object), What: e.Type,
			Result: string(e.Outcome), Message: e.Problem, Tries: e.Tries,
		})
	}
	return err
}

// sent adds the notices to the caller.
func (t *timeline) sent() {
	for _, n := range t.Notices {
		t.add(Entry{
			At: n.Created, Kind: EntryNotice, Object: n.Subject(), What: string(n.About), Result: string(n.Outcome),
			Message: n.LastResult, URL: plainURL(cmp.Or(n.URL, t.Caller.IPNURL)), Tries: n.Tries, Seq: n.Seq,
		})
	}
}

// webhooks adds the events of the JSON API on their way to the caller's endpoints.
func (t *timeline) webhooks() error {
	endpoints, err := t.tx.Endpoints(t.Caller.ID)
	if err != nil || len(endpoints) == 0 {
		return err
	}
	objects := []string{string(t.ID())}
	for _, one := range t.transactions {
		if one.Events > 0 && one.ID != t.ID() {
			objects = append(objects, string(one.ID))
		}
	}
	var events []payment.Event
	for _, object := range objects[:min(len(objects), timelineObjects)] {
		some, err := t.tx.EventsOf(t.Caller.ID, object, 1, timelineEvents)
		if err != nil {
			return err
		}
		t.More = t.More || len(some) == timelineEvents
		events = append(events, some...)
	}
	urls := make(map[payment.EndpointID]string, len(endpoints))
	for _, e := range endpoints {
		urls[e.ID] = plainURL(e.URL)
	}
	deliveries, err := t.tx.WebhooksOf(endpoints, events)
	for _, d := range deliveries {
		e := Entry{
			At: t.theirs(d.Created), Kind: EntryWebhook, Object: d.Event.ObjectID, What: string(d.Event.Type),
			Result: string(d.Outcome), Message: d.LastTry.Result, URL: urls[d.Endpoint], Tries: d.Tries, Seq: d.Event.Seq,
		}
		if d.LastTry.Status > 0 {
			e.Code = strconv.Itoa(d.LastTry.Status)
		}
		t.add(e)
	}
	return err
}

// warnings adds the warnings that were given about the deadline.
func (t *timeline) warnings() error {
	members := t.Hold.Members
	for _, m := range members[:min(len(members), timelineWarnings)] {
		all, err := t.tx.WarningsOf(t.Caller.ID, m.ID)
		if err != nil {
			return err
		}
		for _, w := range all {
			e := Entry{At: w.At, Kind: EntryWarning, Object: string(m.ID), What: w.Before.Round(time.Second).String()}
			if w.Mail {
				e.Result = ResultQueued
			}
			if w.MailID != "" {
				t.mails = append(t.mails, w.MailID)
			}
			t.add(e)
		}
	}
	return nil
}

// letters adds the mails about the case: to the buyer, and to the caller's owner about
// the deadline.
func (t *timeline) letters() error {
	objects := []string{party.MailDeadlines, string(t.Token.ID)}
	for _, one := range t.transactions {
		objects = append(objects, string(one.ID))
	}
	all, err := t.tx.MailsAbout(t.Caller.ID, objects, t.mails)
	for _, m := range all {
		object := m.About.Object
		if object == party.MailDeadlines {
			object = string(t.ID())
		}
		t.add(Entry{
			At: t.theirs(m.Written), Kind: EntryMail, Object: object, What: string(m.About.Kind), Result: string(m.Outcome),
			Message: m.Failure, To: m.Masked, Tries: m.Tries,
		})
	}
	return err
}

// audit adds what people and programs did, from the audit log.
func (t *timeline) audit() error {
	objects := make([]string, 0, len(t.transactions)+1)
	for _, one := range t.transactions {
		objects = append(objects, string(one.ID))
	}
	if t.Token.ID != "" {
		objects = append(objects, string(t.Token.ID))
	}
	for _, object := range objects[:min(len(objects), timelineObjects)] {
		entries, err := t.tx.AuditEntries(store.AuditQuery{Caller: t.Caller.ID, Object: object, Limit: timelineActions})
		if err != nil {
			return err
		}
		for _, e := range entries {
			t.add(Entry{
				At: t.theirs(e.At), Kind: EntryAudit, Object: object, What: string(e.Action),
				Actor: cmp.Or(e.Actor.Name, e.Actor.ID),
			})
		}
	}
	return nil
}
