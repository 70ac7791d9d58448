package payment

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-unidecode"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// DescriptorMax is how many characters a card statement shows behind the prefix
// (data type DescriptorPolicy: 19 in all).
const DescriptorMax = 15

const (
	descriptorPrefix = "HF*"
	// descriptorUnknown stands on the statements of callers that were made before
	// a descriptor was asked for.
	descriptorUnknown = "PAYMENT"
)

// A statement is what a request says of the sender's card statement (data type
// DescriptorPolicy).
type statement struct{ softType, description string }

func (s statement) check() error {
	if s.softType == "Dynamic" && strings.TrimSpace(s.description) == "" {
		return holdfast.Errorf(holdfast.InvalidParams, "a Dynamic soft descriptor needs a SenderDescription")
	}
	return nil
}

// descriptor is what the sender's card statement shows: a prefix and the words
// of the description, or the recipient's name, in capitals. Words that cannot be
// written in Latin letters are left to the caller's own descriptor.
func (s statement) descriptor(recipient party.Party, caller party.Caller) string {
	words := recipient.Name
	if s.softType == "Dynamic" {
		words = s.description
	}
	for _, words := range []string{words, caller.Descriptor, caller.Name} {
		if latin, ok := Latin(words); ok {
			latin = latin[:min(len(latin), DescriptorMax)]
			return descriptorPrefix + strings.TrimSpace(latin)
		}
	}
	return descriptorPrefix + descriptorUnknown
}

// CheckDescriptor refuses a caller's descriptor that a card statement cannot show,
// and one that is missing where the caller's name cannot stand for it. It returns
// the descriptor as it is kept.
func CheckDescriptor(descriptor, name string) (string, error) {
	if descriptor == "" {
		if _, ok := Latin(name); !ok {
			return "", holdfast.Errorf(holdfast.InvalidParams,
				"the name %s cannot be written in Latin letters, so card statements need a descriptor", name)
		}
		return "", nil
	}
	latin, ok := Latin(descriptor)
	if !ok || len(latin) > DescriptorMax {
		return "", holdfast.Errorf(holdfast.InvalidParams, "a descriptor has from 1 to %d Latin letters, digits and signs",
			DescriptorMax)
	}
	return latin, nil
}

// Latin writes words in capital Latin letters, as card statements want them: "Zoë"
// is "ZOE". Greek and Cyrillic are transliterated. ok is false where the words have
// letters of another script, whose sound depends on the language, or no letter and
// no digit at all.
func Latin(words string) (latin string, ok bool) {
	known := func(c rune) bool { return unicode.In(c, unicode.Latin, unicode.Greek, unicode.Cyrillic) }
	if strings.ContainsFunc(words, func(c rune) bool { return unicode.IsLetter(c) && !known(c) }) {
		return "", false
	}
	printable := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, unidecode.Unidecode(words))
	latin = strings.ToUpper(strings.Join(strings.Fields(printable), " "))
	return latin, strings.ContainsFunc(latin, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) })
}
