package party

import "crypto/sha256"

// A CalendarKey lets a calendar program read a caller's open holds. It stands in
// the address of the calendar. The store has only its hash.
type CalendarKey string

// CalendarKeySize is the number of characters of a key: letters and digits, 256
// bits.
const CalendarKeySize = 43

// ValidCalendarKey reports whether a text has the form of a key.
func ValidCalendarKey(text string) bool {
	return len(text) == CalendarKeySize && inDigits(text, keyDigits)
}

// Hash is what the store keeps.
func (k CalendarKey) Hash() []byte {
	hash := sha256.Sum256([]byte(k))
	return hash[:]
}
