package payment

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-unidecode"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// DescriptorMax is the number of characters that a card statement shows after
// the prefix (data type DescriptorPolicy: 19 in all).
const DescriptorMax = 15

const (
	descriptorPrefix = "HF*"
	// descriptorUnknown is used if neither the text nor the caller's descriptor or
	// name can be written in Latin letters.
	descriptorUnknown = "PAYMENT"
)

// A statement is the part of a request about the sender's card statement (data
// type DescriptorPolicy).
type statement struct{ softType, description string }

func (s statement) check() error {
	if s.softType == "Dynamic" && strings.TrimSpace(s.description) == "" {
		return holdfast.Errorf(holdfast.InvalidParams, "a Dynamic soft descriptor needs a SenderDescription")
	}
	return nil
}

// descriptor is the text on the sender's card statement: a prefix and the
// description or the recipient's name, in capitals. If the text cannot be
// written in Latin letters, the caller's own descriptor is used, or else the
// caller's name.
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

// CheckDescriptor refuses a caller's descriptor that a card statement cannot
// show. It also refuses an empty one if the caller's name cannot be used in its
// place. It returns the descriptor to store.
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

// Latin writes words in capital Latin letters, which card statements require:
// "Zoë" is "ZOE". Greek and Cyrillic are transliterated. ok is false if the
// words have letters of another script, whose sound depends on the language. It
// is also false if they have no letter and no digit.
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
