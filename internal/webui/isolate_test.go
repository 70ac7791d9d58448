package webui

import "testing"

func TestIsolate(t *testing.T) {
	for text, want := range map[string]string{
		"Fen Pottery":            "Fen Pottery",
		"東京陶芸":                   "東京陶芸",
		"\u202eyrettoP":          "yrettoP",
		"\u2066Fen":              "Fen",
		"\u2069Fen":              "Fen",
		"שלום":                   "\u2068שלום\u2069",
		"שלום 951.23$":           "\u2068שלום 951.23$\u2069",
		"\u202eשלום\u2068":       "\u2068שלום\u2069",
		"متجر":                   "\u2068متجر\u2069",
		"Fen \u200fPottery 5.00": "\u2068Fen \u200fPottery 5.00\u2069",
	} {
		if got := Isolate(text); got != want {
			t.Errorf("%+q: %+q, want %+q", text, got, want)
		}
	}
}

func TestMessagesIsolateStrangersTexts(t *testing.T) {
	for _, w := range AllWords() {
		want := w.T("leave.cancel", "Site", "\u2068שלום\u2069")
		if got := w.T("leave.cancel", "Site", "\u202eשלום"); got != want {
			t.Errorf("%s: %+q, want %+q", w.Tag(), got, want)
		}
	}
}

func TestPagesAreOrderly(t *testing.T) {
	for page, want := range map[string]string{
		`<p title="a">Fen</p>`:                   `<p title="a">Fen</p>`,
		"<p>\u202eFen</p>":                       `<p>Fen</p>`,
		"<p title=\"\u202eשלום\">x</p>":          `<p title="שלום">x</p>`,
		"<b>שלום</b> 951.23$":                    "<b>\u2068שלום\u2069</b> 951.23$",
		"<dd>שלום, שוב 951.23$</dd>":             "<dd>\u2068שלום, שוב\u2069 951.23$</dd>",
		"<dd>to \u2068שלום 5\u2069 951.23$</dd>": "<dd>to \u2068שלום 5\u2069 951.23$</dd>",
		"<dd>\u2068שלום 951.23$</dd>":            "<dd>\u2068שלום\u2069 951.23$</dd>",
		"<dd>\u2069\u2067Fen 951.23$</dd>":       "<dd>Fen 951.23$</dd>",
	} {
		if got := string(orderly([]byte(page))); got != want {
			t.Errorf("%+q: %+q, want %+q", page, got, want)
		}
	}
}
