package webui

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// The catalogues have every message of every page and mail, by its id. The
// messages of the account pages and mails are in files of their own. The other
// languages are translated from English. A message that a language lacks is
// shown in English.
//
//go:embed words/*.json
var catalogues embed.FS

// Words has the messages of the pages in one language, and the formats of
// numbers and dates of one country. The zero Words are American English.
type Words struct {
	of   *speech
	home string // the country that the browser names first, such as "FR"; often empty
}

// A speech is a language with the formats of one country.
type speech struct {
	tag       language.Tag
	localizer *i18n.Localizer
	format    format
}

// speeches has the default first.
var speeches, matcher = mustRead()

func mustRead() (all []*speech, m language.Matcher) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	files, err := fs.Glob(catalogues, "words/*.json")
	if err != nil || len(files) == 0 {
		panic("webui: there are no catalogues")
	}
	for _, file := range files {
		if _, err := bundle.LoadMessageFileFS(catalogues, file); err != nil {
			panic("webui: " + err.Error()) // the files are embedded: reading them cannot fail
		}
	}
	var tags []language.Tag
	for _, f := range formats {
		tag := language.MustParse(f.tag)
		tags = append(tags, tag)
		all = append(all, &speech{tag: tag, localizer: i18n.NewLocalizer(bundle, f.tag), format: f})
	}
	return all, language.NewMatcher(tags)
}

// acceptMax limits how many bytes of an Accept-Language header are read. Real
// headers have a few dozen.
const acceptMax = 1000

// WordsFor returns the words in the language that a browser prefers
// (Accept-Language), or in English.
func WordsFor(r *http.Request) Words {
	header := r.Header.Get("Accept-Language")
	if len(header) > acceptMax {
		return Words{}
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(wanted) == 0 {
		return Words{}
	}
	_, at, confidence := matcher.Match(wanted...)
	if confidence == language.No {
		return Words{home: homeOf(wanted)}
	}
	return Words{of: speeches[at], home: homeOf(wanted)}
}

// WordsIn returns the words for a tag that Words.Tag returned, or English.
func WordsIn(tag string) Words {
	for _, s := range speeches {
		if s.tag.String() == tag {
			return Words{of: s}
		}
	}
	return Words{}
}

// In returns the same words in another language: that of a tag which Words.Tag
// returned. An unknown tag changes nothing.
func (w Words) In(tag string) Words {
	if found := WordsIn(tag); found.Tag() == tag {
		w.of = found.of
	}
	return w
}

// AllWords returns the words of each language and country, English first.
func AllWords() []Words {
	all := make([]Words, len(speeches))
	for i, s := range speeches {
		all[i] = Words{of: s}
	}
	return all
}

func (w Words) speech() *speech {
	if w.of == nil {
		return speeches[0]
	}
	return w.of
}

// Tag is the language and country in the form of HTML's lang attribute,
// "de-CH".
func (w Words) Tag() string { return w.speech().tag.String() }

// T returns a message. The arguments are the names and values of its
// placeholders, in turn.
func (w Words) T(id string, args ...any) string {
	return w.message(&i18n.LocalizeConfig{MessageID: id, TemplateData: named(args)})
}

// N returns a message about a number of things, in the right plural form. The
// placeholder {{.N}} is the number in the country's format.
func (w Words) N(id string, n int, args ...any) string {
	data := named(args)
	data["N"] = w.Count(int64(n))
	return w.message(&i18n.LocalizeConfig{MessageID: id, TemplateData: data, PluralCount: n})
}

// Has reports whether there is a message.
func (w Words) Has(id string) bool {
	text, err := w.speech().localizer.Localize(&i18n.LocalizeConfig{MessageID: id})
	return err == nil && text != ""
}

// message panics if no catalogue has the message. Tests say every message in
// every language.
func (w Words) message(c *i18n.LocalizeConfig) string {
	text, err := w.speech().localizer.Localize(c)
	if text == "" && err != nil {
		panic("webui: " + err.Error())
	}
	return text
}

func named(args []any) map[string]any {
	data := make(map[string]any)
	for i := 0; i+1 < len(args); i += 2 {
		value := args[i+1]
		if text, ok := value.(string); ok {
			value = Isolate(text)
		}
		data[fmt.Sprint(args[i])] = value
	}
	return data
}
