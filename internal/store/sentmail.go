package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// MailSent is the outcome of a mail that was delivered.
const MailSent MailOutcome = "Sent"

// A MailRecord is what is known of a mail about a payment, whether or not it has been
// delivered. It has no text. Its times are real time.
type MailRecord struct {
	ID      string
	About   party.MailAbout
	Masked  string // the address: see [party.MaskEmail]; empty after its owner's data was erased
	Outcome MailOutcome
	Written time.Time
	Done    time.Time // when it was delivered; zero for others
	Tries   int       // of a mail that waits or was given up
	Failure string    // of the last try
}

const sentMailColumns = `caller_id, object_id, mail_id, kind, masked, outcome, written, done`

// recordSent keeps the record of a mail that was delivered. One that was forgotten by
// another server at the same time was delivered all the same. The address is the one in
// the store: it may have been erased since the mail was claimed.
const recordSent = `
	INSERT INTO sent_mails (` + sentMailColumns + `)
	VALUES ($1, $2, $3, $4, COALESCE((SELECT masked FROM mails WHERE mail_id = $3), ''), 'Sent', $5, $6)
	ON CONFLICT (caller_id, object_id, mail_id) DO UPDATE SET outcome = 'Sent', done = excluded.done`

// recordOld keeps the records of mails that are about to be forgotten.
const recordOld = `
	INSERT INTO sent_mails (` + sentMailColumns + `)
	SELECT caller_id, object_id, mail_id, kind, masked, outcome, created, 0` + mailsOld + ` AND kind <> ''
	ON CONFLICT (caller_id, object_id, mail_id) DO NOTHING`

func scanMailRecord(row scanner) (r MailRecord, err error) {
	err = row.Scan(&r.About.Caller, &r.About.Object, &r.ID, &r.About.Kind, &r.Masked, &r.Outcome, timeDest{&r.Written},
		timeDest{&r.Done})
	return r, err
}

func recordOf(m Mail) MailRecord {
	return MailRecord{
		ID: m.ID, About: m.About, Masked: m.masked, Outcome: m.Outcome, Written: m.Created, Tries: m.Tries,
		Failure: m.Failure,
	}
}

// MailsAbout reads the mails of a caller that have some ids: those that are still in
// the store, and the records of the others. objects are what they can be about.
func (tx *ReadTx) MailsAbout(c party.CallerID, objects, ids []string) (all []MailRecord, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = tx.sql.Run(
		reading(scanMail, func(m Mail) {
			if m.About.Caller == c {
				all = append(all, recordOf(m))
			}
		}, `SELECT `+mailColumns+` FROM mails WHERE mail_id`+tx.dialect.keys(1), keyList(ids)),
		reading(scanMailRecord, func(r MailRecord) { all = append(all, r) }, `
			SELECT `+sentMailColumns+` FROM sent_mails
			WHERE caller_id = $1 AND object_id`+tx.dialect.keys(2)+` AND mail_id`+tx.dialect.keys(3),
			c, keyList(objects), keyList(ids)),
	)
	return all, err
}

// SentMails reads the records of mails about some objects of a caller that are no longer
// in the store, in the order of the objects.
func (tx *ReadTx) SentMails(c party.CallerID, objects []string) ([]MailRecord, error) {
	return list(tx, "reading records of mails", scanMailRecord, `
		SELECT `+sentMailColumns+` FROM sent_mails WHERE caller_id = $1 AND object_id`+tx.dialect.keys(2)+`
		ORDER BY object_id, mail_id`, c, keyList(objects))
}
