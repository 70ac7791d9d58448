package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A MailOutcome says whether a mail is still to be delivered.
type MailOutcome string

// The outcomes. Delivered mails are removed, so there is no outcome for them.
const (
	MailWaiting MailOutcome = "Waiting"
	MailKept    MailOutcome = "Kept"    // in the inbox
	MailGivenUp MailOutcome = "GivenUp" // tried again only by command
)

// A Mail is a letter with the state of its delivery. Its times are real time.
type Mail struct {
	party.Mail
	Outcome     MailOutcome
	Queued      time.Time // when it was queued for delivery
	NextAt      time.Time // of the next try
	LeasedUntil time.Time // no other server tries before
	Tries       int       // including a try that is under way
	Failure     string    // of the last try; it quotes nothing from the letter

	masked string // the address as it is kept
}

var mailTable = table[Mail]{name: "mails", fields: fields[Mail]{
	textField("mail_id", func(m *Mail) *string { return &m.ID }),
	textField("recipient", func(m *Mail) *string { return &m.To }),
	textField("party_id", func(m *Mail) *party.ID { return &m.Party }),
	textField("subject", func(m *Mail) *string { return &m.Subject }),
	textField("body", func(m *Mail) *string { return &m.Text }),
	timeField("created", func(m *Mail) *time.Time { return &m.Created }),
	textField("outcome", func(m *Mail) *MailOutcome { return &m.Outcome }),
	timeField("queued", func(m *Mail) *time.Time { return &m.Queued }),
	timeField("next_at", func(m *Mail) *time.Time { return &m.NextAt }),
	timeField("leased_until", func(m *Mail) *time.Time { return &m.LeasedUntil }),
	numberField("tries", func(m *Mail) *int { return &m.Tries }),
	textField("failure", func(m *Mail) *string { return &m.Failure }),
	textField("caller_id", func(m *Mail) *party.CallerID { return &m.About.Caller }),
	textField("object_id", func(m *Mail) *string { return &m.About.Object }),
	textField("kind", func(m *Mail) *party.MailKind { return &m.About.Kind }),
	textField("masked", func(m *Mail) *string { return &m.masked }),
}}

var (
	mailColumns = mailTable.list()
	scanMail    = mailTable.scanner()
	insertMail  = engine.NewRows(mailTable.insertion("adding a mail", ""))
)

// InsertMail adds a letter to be delivered.
func (tx *Tx) InsertMail(m party.Mail) error {
	row := Mail{Mail: m, Outcome: MailWaiting, Queued: m.Created, NextAt: m.Created}
	if m.About != (party.MailAbout{}) {
		row.masked = party.MaskEmail(m.To)
	}
	return insertMail.Add(tx.sql, mailTable.fields.values(&row)...)
}

// Mails reads the mails with an outcome, the newest first, at most limit. An
// empty outcome means all mails.
func (tx *ReadTx) Mails(outcome MailOutcome, limit int) ([]Mail, error) {
	return list(tx, "reading mails", scanMail, `
		SELECT `+mailColumns+` FROM mails WHERE $1 = '' OR outcome = $1 ORDER BY created DESC, mail_id DESC LIMIT $2`,
		string(outcome), limit)
}

// Mail reads a mail.
func (tx *ReadTx) Mail(id string) (m Mail, found bool, err error) {
	m, err = scanMail(tx.sql.QueryRow(`SELECT `+mailColumns+` FROM mails WHERE mail_id = $1`, id))
	found, err = maybe("reading a mail", err)
	return m, found, err
}

// A MailCount is the number of mails with an outcome, and the age of the
// oldest.
type MailCount struct {
	Mails  int
	Oldest time.Time // when the oldest was queued
}

// CountMails counts the mails of each outcome. It leaves out outcomes without
// mails.
func (tx *ReadTx) CountMails() (map[MailOutcome]MailCount, error) {
	counts := make(map[MailOutcome]MailCount)
	_, err := list(tx, "counting mails", func(row scanner) (of MailOutcome, err error) {
		var count MailCount
		var oldest int64
		err = row.Scan(&of, &count.Mails, &oldest)
		count.Oldest = when(oldest)
		counts[of] = count
		return of, err
	}, `SELECT outcome, COUNT(*), MIN(queued) FROM mails GROUP BY outcome`)
	return counts, err
}

// mailsDue selects waiting mails that are due and not leased.
var mailsDue = `
	SELECT ` + mailColumns + ` FROM mails
	WHERE outcome = 'Waiting' AND next_at <= $1 AND leased_until <= $1
	ORDER BY next_at, mail_id LIMIT $2`

// MailDue reports whether ClaimMails would find anything, so that an idle
// server does not write.
func (tx *ReadTx) MailDue(now time.Time) (bool, error) {
	due, err := list(tx, "looking for mails", scanMail, mailsDue, micros(now), 1)
	return len(due) > 0, err
}

// ClaimMails leases due mails until a time, the earliest first, at most limit.
// No other server claims them before. Each claim counts as a try, even if the
// server crashes and never reports a result. A paused store gives none.
func (tx *Tx) ClaimMails(now, until time.Time, limit int) ([]Mail, error) {
	if tx.paused() {
		return nil, nil
	}
	due, err := list(tx.Unlocked(claimsLock), "reading mails that are due", scanMail, mailsDue+
		tx.dialect.claiming("mails"), micros(now), limit)
	if err != nil {
		return nil, err
	}
	for i := range due {
		due[i].Tries++
		due[i].LeasedUntil = when(micros(until))
		err := tx.one("claiming a mail", `
			UPDATE mails SET leased_until = $1, tries = $2 WHERE mail_id = $3 AND outcome = 'Waiting'`,
			micros(until), due[i].Tries, due[i].ID)
		if err != nil {
			return nil, err
		}
	}
	return due, nil
}

// RemoveMail removes a mail that has arrived, even if the lease is lost. A mail
// about a payment leaves a record.
func (tx *Tx) RemoveMail(m Mail, now time.Time) error {
	if m.About != (party.MailAbout{}) {
		_, err := tx.exec("keeping a record of a mail", recordSent, m.About.Caller, m.About.Object, m.ID, m.About.Kind,
			micros(m.Created), micros(now))
		if err != nil {
			return err
		}
	}
	_, err := tx.exec("removing a mail", `DELETE FROM mails WHERE mail_id = $1`, m.ID)
	return err
}

// RetryMail records why a try failed and the time of the next one. It does
// nothing if the lease is lost, because another try is then under way.
func (tx *Tx) RetryMail(m Mail, failure string, next time.Time) error {
	_, err := tx.exec("postponing a mail", `
		UPDATE mails SET next_at = $1, leased_until = 0, failure = $2
		WHERE mail_id = $3 AND outcome = 'Waiting' AND leased_until = $4`,
		micros(next), failure, m.ID, micros(m.LeasedUntil))
	return err
}

// GiveUpMail records why the last try failed. It does nothing if the lease is
// lost.
func (tx *Tx) GiveUpMail(m Mail, failure string) error {
	_, err := tx.exec("giving up a mail", `
		UPDATE mails SET outcome = 'GivenUp', leased_until = 0, failure = $1
		WHERE mail_id = $2 AND outcome = 'Waiting' AND leased_until = $3`,
		failure, m.ID, micros(m.LeasedUntil))
	return err
}

// ReturnMail ends a lease without a try, so that the mail can be claimed again
// at once.
func (tx *Tx) ReturnMail(m Mail) error {
	_, err := tx.exec("returning a mail", `
		UPDATE mails SET leased_until = 0, tries = tries - 1
		WHERE mail_id = $1 AND outcome = 'Waiting' AND leased_until = $2`,
		m.ID, micros(m.LeasedUntil))
	return err
}

// queueAgain makes mails that were given up due at $1.
const queueAgain = `
	UPDATE mails SET outcome = 'Waiting', queued = $1, next_at = $1, tries = 0
	WHERE outcome = 'GivenUp'`

// SendMailAgain queues a mail that was given up, and reports whether it did.
func (tx *Tx) SendMailAgain(id string, now time.Time) (bool, error) {
	rows, err := tx.exec("queueing a mail again", queueAgain+` AND mail_id = $2`, micros(now), id)
	return rows > 0, err
}

// SendMailsAgain queues all mails that were given up, and reports how many.
func (tx *Tx) SendMailsAgain(now time.Time) (queued int, err error) {
	rows, err := tx.exec("queueing mails again", queueAgain, micros(now))
	return int(rows), err
}

// GiveUpMails gives up the mails that have waited since a time or longer, and
// reports how many.
func (tx *Tx) GiveUpMails(since time.Time, failure string) (givenUp int, err error) {
	rows, err := tx.exec("giving up mails", `
		UPDATE mails SET outcome = 'GivenUp', failure = $1 WHERE outcome = 'Waiting' AND queued <= $2`,
		failure, micros(since))
	return int(rows), err
}

// KeepMails moves waiting mails to the inbox and reports how many. A mail
// server that is configured later does not get them.
func (tx *Tx) KeepMails() (kept int, err error) {
	rows, err := tx.exec("keeping mails", `UPDATE mails SET outcome = 'Kept' WHERE outcome = 'Waiting'`)
	return int(rows), err
}

// mailsOld selects mails that are not waiting and were written before $1.
const mailsOld = ` FROM mails WHERE created < $1 AND outcome <> 'Waiting'`

// MailOld reports whether ForgetMails would find anything.
func (tx *ReadTx) MailOld(before time.Time) (bool, error) {
	old, err := list(tx, "looking for old mails", scanMail, `SELECT `+mailColumns+mailsOld+` LIMIT 1`, micros(before))
	return len(old) > 0, err
}

// ForgetMails removes mails that are not waiting and were written before a
// time, and reports how many. Mails about payments leave records.
func (tx *Tx) ForgetMails(before time.Time) (forgotten int, err error) {
	if _, err := tx.exec("keeping records of mails", recordOld, micros(before)); err != nil {
		return 0, err
	}
	rows, err := tx.exec("forgetting mails", `DELETE`+mailsOld, micros(before))
	return int(rows), err
}
