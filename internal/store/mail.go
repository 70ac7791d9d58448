package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// A MailOutcome says whether a mail is still to be delivered.
type MailOutcome string

// The outcomes. What was delivered is gone.
const (
	MailWaiting MailOutcome = "Waiting"
	MailKept    MailOutcome = "Kept"    // in the inbox, to be read there
	MailGivenUp MailOutcome = "GivenUp" // will not be tried again by itself
)

// A Mail is a letter with what has come of it so far. Times are real ones.
type Mail struct {
	party.Mail
	Outcome     MailOutcome
	Queued      time.Time // since when it is tried
	NextAt      time.Time // of the next try
	LeasedUntil time.Time // nobody else tries before
	Tries       int       // with one that is under way
	Failure     string    // of the last try; nothing of the letter is in it
}

const mailColumns = `
	mail_id, recipient, subject, body, created, outcome, queued, next_at, leased_until, tries, failure`

func scanMail(row scanner) (m Mail, err error) {
	var created, queued, next, leased int64
	err = row.Scan(&m.ID, &m.To, &m.Subject, &m.Text, &created, &m.Outcome, &queued, &next, &leased, &m.Tries, &m.Failure)
	m.Created, m.Queued, m.NextAt, m.LeasedUntil = when(created), when(queued), when(next), when(leased)
	return m, err
}

var insertMail = insertion("adding a mail", "mails", "",
	columns(text, "mail_id, recipient, subject, body, failure, outcome"),
	columns(number, "created, queued, next_at, leased_until, tries"))

// InsertMail adds a letter to be delivered.
func (tx *Tx) InsertMail(m party.Mail) error {
	at := micros(m.Created)
	return tx.write(insertMail, nil, m.ID, m.To, m.Subject, m.Text, "", string(MailWaiting), at, at, at, 0, 0)
}

// Mails reads at most so many of the mails with an outcome, or of all when it is
// empty, the newest first.
func (tx *ReadTx) Mails(outcome MailOutcome, most int) ([]Mail, error) {
	return list(tx, "reading mails", scanMail, `
		SELECT `+mailColumns+` FROM mails WHERE $1 = '' OR outcome = $1 ORDER BY created DESC, mail_id DESC LIMIT $2`,
		string(outcome), most)
}

// Mail reads a mail.
func (tx *ReadTx) Mail(id string) (m Mail, found bool, err error) {
	m, err = scanMail(tx.sql.QueryRowContext(tx.ctx, `SELECT `+mailColumns+` FROM mails WHERE mail_id = $1`, id))
	found, err = maybe("reading a mail", err)
	return m, found, err
}

// A MailCount is how many mails have an outcome, and how old they are.
type MailCount struct {
	Mails  int
	Oldest time.Time // when the oldest was queued
}

// CountMails counts the mails of each outcome that there are any of.
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

// mailsDue selects what waits, is on nobody's lease and is due.
const mailsDue = `
	SELECT ` + mailColumns + ` FROM mails
	WHERE outcome = 'Waiting' AND next_at <= $1 AND leased_until <= $1
	ORDER BY next_at, mail_id LIMIT $2`

// MailDue reports whether ClaimMails would find anything. It keeps an idle server
// from writing.
func (tx *ReadTx) MailDue(now time.Time) (bool, error) {
	due, err := list(tx, "looking for mails", scanMail, mailsDue, micros(now), 1)
	return len(due) > 0, err
}

// ClaimMails takes at most so many of what is due, the earliest first; nobody
// else does before until. Each claim counts as a try, also when nothing is heard
// of it again.
func (tx *Tx) ClaimMails(now, until time.Time, most int) ([]Mail, error) {
	due, err := list(tx.Unlocked(claimsLock), "reading mails that are due", scanMail, mailsDue+
		tx.dialect.claiming("mails"), micros(now), most)
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

// RemoveMail removes a mail that has arrived. It has, whoever has the lease by
// now.
func (tx *Tx) RemoveMail(id string) error {
	_, err := tx.exec("removing a mail", `DELETE FROM mails WHERE mail_id = $1`, id)
	return err
}

// RetryMail writes why a try failed and when the next one is. It does nothing
// when the lease is lost: then another try is under way.
func (tx *Tx) RetryMail(m Mail, failure string, next time.Time) error {
	_, err := tx.exec("putting a mail off", `
		UPDATE mails SET next_at = $1, leased_until = 0, failure = $2
		WHERE mail_id = $3 AND outcome = 'Waiting' AND leased_until = $4`,
		micros(next), failure, m.ID, micros(m.LeasedUntil))
	return err
}

// GiveUpMail writes why the last try failed. It does nothing when the lease is
// lost.
func (tx *Tx) GiveUpMail(m Mail, failure string) error {
	_, err := tx.exec("giving a mail up", `
		UPDATE mails SET outcome = 'GivenUp', leased_until = 0, failure = $1
		WHERE mail_id = $2 AND outcome = 'Waiting' AND leased_until = $3`,
		failure, m.ID, micros(m.LeasedUntil))
	return err
}

// ReturnMail ends a lease without a try, so that the mail is sent at once.
func (tx *Tx) ReturnMail(m Mail) error {
	_, err := tx.exec("returning a mail", `
		UPDATE mails SET leased_until = 0, tries = tries - 1
		WHERE mail_id = $1 AND outcome = 'Waiting' AND leased_until = $2`,
		m.ID, micros(m.LeasedUntil))
	return err
}

// queueAgain has mails that were given up tried from $1 on.
const queueAgain = `
	UPDATE mails SET outcome = 'Waiting', queued = $1, next_at = $1, tries = 0
	WHERE outcome = 'GivenUp'`

// SendMailAgain has a mail that was given up tried from now on, and reports
// whether there was one.
func (tx *Tx) SendMailAgain(id string, now time.Time) (bool, error) {
	rows, err := tx.exec("queueing a mail again", queueAgain+` AND mail_id = $2`, micros(now), id)
	return rows > 0, err
}

// SendMailsAgain does so with all that were given up, and reports how many there
// were.
func (tx *Tx) SendMailsAgain(now time.Time) (queued int, err error) {
	rows, err := tx.exec("queueing mails again", queueAgain, micros(now))
	return int(rows), err
}

// GiveUpMails gives up what has waited since a time or longer, and reports how
// much that is.
func (tx *Tx) GiveUpMails(since time.Time, failure string) (givenUp int, err error) {
	rows, err := tx.exec("giving mails up", `
		UPDATE mails SET outcome = 'GivenUp', failure = $1 WHERE outcome = 'Waiting' AND queued <= $2`,
		failure, micros(since))
	return int(rows), err
}

// KeepMails puts into the inbox what waits, so that no mail server that comes
// later gets it, and reports how much that is.
func (tx *Tx) KeepMails() (kept int, err error) {
	rows, err := tx.exec("keeping mails", `UPDATE mails SET outcome = 'Kept' WHERE outcome = 'Waiting'`)
	return int(rows), err
}

// mailsOld selects what is not waiting and was written before a time.
const mailsOld = ` FROM mails WHERE created < $1 AND outcome <> 'Waiting'`

// MailOld reports whether ForgetMails would find anything.
func (tx *ReadTx) MailOld(before time.Time) (bool, error) {
	old, err := list(tx, "looking for old mails", scanMail, `SELECT `+mailColumns+mailsOld+` LIMIT 1`, micros(before))
	return len(old) > 0, err
}

// ForgetMails removes the mails that wait for nothing and were written before a
// time, and reports how many there were.
func (tx *Tx) ForgetMails(before time.Time) (forgotten int, err error) {
	rows, err := tx.exec("forgetting mails", `DELETE`+mailsOld, micros(before))
	return int(rows), err
}
