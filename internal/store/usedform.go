package store

import (
	"errors"
	"time"
)

// ErrFormUsed refuses to act a second time for the same form.
var ErrFormUsed = errors.New("the form was sent before")

// usedFormsKept is how long the key of a form is kept.
const usedFormsKept = 7 * 24 * time.Hour

// UseForm notes that a form has acted, in the commit of its action. It is ErrFormUsed if
// the form has acted before. An empty key is of no form.
func (tx *Tx) UseForm(key string, now time.Time) error {
	if key == "" {
		return nil
	}
	if _, err := tx.exec("forgetting forms", `DELETE FROM used_forms WHERE used < $1`,
		micros(now.Add(-usedFormsKept))); err != nil {
		return err
	}
	inserted, err := tx.exec("using a form", `
		INSERT INTO used_forms (form_key, used) VALUES ($1, $2) ON CONFLICT (form_key) DO NOTHING`, key, micros(now))
	if err == nil && inserted == 0 {
		err = ErrFormUsed
	}
	return err
}
