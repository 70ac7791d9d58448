package cobranded_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// reading adds the languages of a browser's user to its requests.
type reading struct{ accept string }

func (b reading) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Language", b.accept)
	return http.DefaultTransport.RoundTrip(r)
}

// reads starts a browser whose user reads a language.
func (s *site) reads(accept string) {
	s.newBrowser()
	s.browser.Transport = reading{accept}
}

// wantIn fails the test unless the page is in a language and has all texts.
func (s *site) wantIn(language string, texts ...string) {
	s.t.Helper()
	if got := s.at.header.Get("Content-Language"); got != language ||
		!strings.Contains(s.at.body, `<html lang="`+language+`">`) {
		s.t.Errorf("%s is in %q, want %s", s.at.url, got, language)
	}
	for _, text := range texts {
		s.wantText(text)
	}
}

// visitPage opens a page of the browser's current visit.
func (s *site) visitPage(name string) {
	s.t.Helper()
	s.get(s.server.URL + "/cobranded-ui/actions/" + name + "?visit=" + s.visit())
}

// visit returns the id of the visit in the page's forms.
func (s *site) visit() string {
	s.t.Helper()
	forms := s.at.forms()
	if len(forms) == 0 {
		s.t.Fatalf("there is no form on %s:\n%s", s.at.url, s.at.body)
	}
	return forms[0].Fields.Get("visit")
}

// A walk has the texts that a buyer reads during a visit, page by page.
type walk struct {
	accept, language              string
	signIn, payment, card         []string
	newAddress, confirm, multiUse []string
}

func TestWalks(t *testing.T) {
	for _, w := range []walk{
		{
			accept: "de-DE,de;q=0.9", language: "de",
			signIn: []string{
				"Zum Bezahlen anmelden", "bittet Sie um Freigabe einer Zahlung über", "42,50\u00a0$", "US-Dollar",
				"Es wird noch nichts abgebucht.", "Versand", "4,00\u00a0$", "−1,50\u00a0$", "Neu bei Holdfast?",
				"Abbrechen und zurück zu Kiln",
			},
			payment: []string{
				"Zahlungsart wählen", "Visa, endet auf 4242", "Gültig bis 12/2031", "Sie sind angemeldet als ann@example.test.",
			},
			card: []string{
				"Karte hinzufügen", "Kartennummer", "MM/JJ", "Prüfnummer", "Diese Karte verwenden", "Testumgebung",
			},
			newAddress: []string{"Wohin soll die Bestellung gehen?", "Straße und Hausnummer", "Postleitzahl", "(optional)"},
			confirm: []string{
				"Prüfen und bestätigen", "Bezahlen mit", "Lieferadresse", "Kiln & Co reserviert 42,50\u00a0$ auf Ihrer Karte",
				"42,50\u00a0$ freigeben", "Zahlungsart ändern",
			},
			multiUse: []string{
				"Jede Zahlung höchstens", "15,00\u00a0$", "Insgesamt höchstens", "höchstens eine Zahlung pro Tag",
				"höchstens 1.000,00\u00a0$ alle 3 Monate", "24. Dezember 2026", "Diese Zahlungen freigeben",
			},
		},
		{
			accept: "es", language: "es",
			signIn: []string{
				"Inicie sesión para pagar", "le pide que autorice un pago de", "42,50\u00a0US$", "dólares estadounidenses",
				"Todavía no se le cobra nada.", "Envío", "4,00\u00a0US$", "−1,50\u00a0US$", "¿Aún no tiene una cuenta de Holdfast?",
				"Cancelar y volver a Kiln",
			},
			payment: []string{
				"Elija cómo pagar", "Visa terminada en 4242", "Válida hasta 12/2031", "Ha iniciado sesión como ann@example.test.",
			},
			card: []string{
				"Añadir una tarjeta", "Número de tarjeta", "MM/AA", "Código de seguridad", "Usar esta tarjeta",
				"entorno de pruebas",
			},
			newAddress: []string{"¿Adónde se lo enviamos?", "Calle y número", "Código postal", "(opcional)"},
			confirm: []string{
				"Revise y confirme", "Pagar con", "Enviar a", "Kiln & Co retendrá 42,50\u00a0US$ en su tarjeta",
				"Autorizar 42,50\u00a0US$", "Cambiar la forma de pago",
			},
			multiUse: []string{
				"Cada pago, como máximo", "15,00\u00a0US$", "En total, como máximo", "como máximo un pago al día",
				"como máximo 1.000,00\u00a0US$ cada 3 meses", "24 de diciembre de 2026", "Autorizar estos pagos",
			},
		},
		{
			accept: "es-MX", language: "es-419",
			signIn:   []string{"USD\u00a042.50"},
			confirm:  []string{"Autorizar USD\u00a042.50"},
			multiUse: []string{"como máximo USD\u00a01,000.00 cada 3 meses"},
		},
	} {
		t.Run(w.accept, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				s := newSiteOn(t, db)
				s.reads(w.accept)
				s.walkSingleUse(w)
				s.walkMultiUse(w)
			})
		})
	}
}

func (s *site) walkSingleUse(w walk) {
	s.t.Helper()
	r := order()
	r.CollectShippingAddress, r.Discount, r.WebsiteDescription = true, usd("1.50"), "Kiln"
	s.get(s.link(r))
	s.wantPage("sign-in")
	s.wantIn(w.language, w.signIn...)
	s.signIn()
	s.wantPage("address")
	s.wantIn(w.language, w.newAddress...)
	s.visitPage("payment")
	s.wantIn(w.language, w.payment...)
	s.visitPage("card")
	s.wantIn(w.language, w.card...)
	s.visitPage("address")
	s.submit("addressName", "Ann", "addressLine1", "1 Main St", "city", "Ames", "zip", "50010", "country", "US")
	s.wantPage("confirm")
	s.wantIn(w.language, w.confirm...)
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)
}

func (s *site) walkMultiUse(w walk) {
	s.t.Helper()
	starts := time.Date(2026, time.December, 24, 12, 0, 0, 0, time.UTC)
	s.get(s.asked(payment.PipelineMultiUse, "callerReference", "multi-1", "globalAmountLimit", "2000", "transactionAmount",
		"15", "amountType", "Maximum",
		"usageLimitType1", "Count", "usageLimitValue1", "1", "usageLimitPeriod1", "1 Day",
		"usageLimitType2", "Amount", "usageLimitValue2", "1000", "usageLimitPeriod2", "3 Months", "validityStart",
		seconds(starts)))
	s.wantPage("confirm")
	s.wantIn(w.language, w.multiUse...)
	s.press("cancel")
	if back := s.wantBack(holdfast.ReturnAbandoned); back.ErrorMessage != "User Error: The sender left the pipeline" {
		s.t.Errorf("the shop gets %q", back.ErrorMessage) // programs read it
	}
}

func TestRefusalsInGerman(t *testing.T) {
	s := newSite(t)
	s.reads("de")
	refused := func(status int, text string) {
		t.Helper()
		if s.at.status != status {
			t.Errorf("status is %d, want %d: %s", s.at.status, status, text)
		}
		s.wantIn("de", text)
	}
	s.get(s.link(order()))
	signInPage := s.at
	s.submit("email", s.Buyer.Email, "password", "wrong password")
	refused(http.StatusUnprocessableEntity, "E-Mail-Adresse oder Passwort stimmt nicht.")
	s.wantText("<title>Fehler: Zum Bezahlen anmelden")

	s.visitPage("sign-up")
	for _, row := range []struct{ name, email, password, text string }{
		{"", "bea@example.test", "a few plain words", "Bitte geben Sie Ihren Namen ein."},
		{"Bea", "bea", "a few plain words", "Bitte geben Sie eine E-Mail-Adresse wie ann@example.com ein."},
		{"Bea", "ann@example.test", "a few plain words", "Mit dieser E-Mail-Adresse gibt es schon ein Konto."},
		{"Bea", "bea@example.test", "short", "Bitte wählen Sie ein Passwort mit mindestens 8 Zeichen."},
		{"Bea", "bea@example.test", strings.Repeat("long", 51), "Dieses Passwort ist zu lang."},
	} {
		s.submit("name", row.name, "email", row.email, "password", row.password)
		refused(http.StatusUnprocessableEntity, row.text)
	}

	s.at = signInPage
	s.signIn()
	s.visitPage("card")
	for _, row := range []struct{ number, expiry, code, holder, text string }{
		{"", "08/31", "123", "Ann", "Bitte geben Sie die Kartennummer ein."},
		{"4242", "08/31", "123", "Ann", "Eine Kartennummer besteht aus 12 bis 19 Ziffern"},
		{"4242 4242 4242 4243", "08/31", "123", "Ann", "Diese Kartennummer enthält einen Tippfehler."},
		{"4539 1488 0343 6467", "08/31", "123", "Ann", "Dies ist eine Testumgebung: Sie nimmt nur Testkarten an"},
		{"4242 4242 4242 4242", "soon", "123", "Ann", "Bitte geben Sie Monat und Jahr ein"},
		{"4242 4242 4242 4242", "08/99", "123", "Ann", "Bitte geben Sie Monat und Jahr ein"},
		{"4242 4242 4242 4242", "01/20", "123", "Ann", "Diese Karte ist abgelaufen."},
		{"4000 0000 0000 0069", "08/31", "123", "Ann", "Laut der Bank, die diese Karte ausgegeben hat"},
		{"4242 4242 4242 4242", "08/31", "", "Ann", "Bitte geben Sie die Prüfnummer ein."},
		{"4242 4242 4242 4242", "08/31", "12", "Ann", "die drei Ziffern auf der Rückseite"},
		{"3782 822463 10005", "08/31", "123", "Ann", "die vier Ziffern auf der Vorderseite"},
		{"4000 0000 0000 0127", "08/31", "123", "Ann", "Die Prüfnummer passt nicht zu dieser Karte."},
		{"4242 4242 4242 4242", "08/31", "123", "", "Bitte geben Sie den Namen ein, der auf der Karte steht."},
	} {
		s.submit("number", row.number, "expiry", row.expiry, "code", row.code, "holder", row.holder)
		refused(http.StatusUnprocessableEntity, row.text)
		s.wantText("Die Karte wurde nicht hinzugefügt.")
	}

	s.visitPage("payment")
	s.post(s.server.URL+"/cobranded-ui/actions/payment", params("visit", s.visit()))
	refused(http.StatusUnprocessableEntity, "Bitte wählen Sie eine Zahlungsart.")
	s.get(s.server.URL + "/cobranded-ui/nowhere")
	refused(http.StatusNotFound, "Seite nicht gefunden")
	s.get(s.server.URL + holdfast.CoBrandedPath)
	refused(http.StatusBadRequest, "Ungültige Anfrage")
	// Programs and people look for this text.
	s.wantText("Caller Input Exception: The following input(s) are either invalid or absent:")
}

func TestAddressRefusedInGerman(t *testing.T) {
	s := newSite(t)
	s.reads("de")
	r := order()
	r.CollectShippingAddress = true
	s.get(s.link(r))
	s.signIn()
	fields := []string{"addressName", "Ann", "addressLine1", "1 Main St", "city", "Ames", "zip", "50010", "country", "US"}
	for name, row := range map[string]struct{ value, text string }{
		"addressName":  {"", "Bitte geben Sie den Namen des Empfängers ein."},
		"addressLine1": {"", "Bitte geben Sie Straße und Hausnummer ein."},
		"city":         {"", "Bitte geben Sie den Ort ein."},
		"zip":          {"", "Bitte geben Sie die Postleitzahl ein."},
		"country":      {"", "Bitte wählen Sie das Land aus."},
		"addressLine2": {strings.Repeat("x", 121), "Das ist zu lang."},
		"state":        {"a\tb", "Bitte verwenden Sie nur sichtbare Zeichen in einer Zeile."},
	} {
		s.visitPage("address")
		s.submit(append(fields, name, row.value)...)
		s.wantIn("de", row.text, "Bitte prüfen Sie ein Feld:", `id="`+name+`-error"`)
	}
}

func TestTooManyGuessesInGerman(t *testing.T) {
	s := newSite(t)
	s.reads("de")
	s.get(s.link(order()))
	guess := func() {
		s.submit("email", s.Buyer.Email, "password", "wrong password")
	}
	for range party.AccountGuesses.Free + 1 {
		guess()
	}
	s.wantIn("de", "Bitte warten Sie eine halbe Minute")
	for range 3 {
		s.Clock.Advance(3 * time.Minute)
		for range party.AccountGuesses.Free {
			guess()
		}
	}
	guess()
	s.wantIn("de", "Bitte warten Sie 6 Minuten")
}

// live makes the shop a live caller.
func (s *site) live() {
	s.t.Helper()
	caller, key, err := s.Processor.CreateCaller(s.t.Context(), processor.NewCaller{Owner: s.Owner.ID, Name: "Kiln & Co"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Shop = caller
	s.shop.AccessKeyID, s.shop.SecretKey = key.ID, key.Secret
}

// A breakdown is shown unchanged. If it does not add up, only sandbox callers
// see a warning, on the last page.
func TestBreakdownThatDoesNotAddUp(t *testing.T) {
	const note = "the breakdown adds up to"
	for name, row := range map[string]struct {
		change func(*holdfast.SingleUseRequest)
		live   bool
		want   string
	}{
		"right": {change: func(*holdfast.SingleUseRequest) {}},
		"none": {change: func(r *holdfast.SingleUseRequest) {
			*r = holdfast.SingleUseRequest{
				CallerReference: r.CallerReference, ReturnURL: r.ReturnURL, TransactionAmount: r.TransactionAmount,
			}
		}},
		"with a discount": {change: func(r *holdfast.SingleUseRequest) {
			r.Discount, r.ItemTotal = usd("1.50"), usd("37.50")
		}},
		"too little": {change: func(r *holdfast.SingleUseRequest) { r.Tax = usd("2.49") }, want: note +
			" $42.49, but transactionAmount is $42.50."},
		"less than nothing": {change: func(r *holdfast.SingleUseRequest) { r.Discount = usd("50.00") }, want: note +
			" −$7.50"},
		"of a live caller": {change: func(r *holdfast.SingleUseRequest) { r.Tax = usd("2.49") }, live: true},
	} {
		s := newSite(t)
		if row.live {
			s.live()
		}
		r := order()
		row.change(&r)
		s.get(s.link(r))
		if strings.Contains(s.at.body, note) {
			t.Errorf("%s: the sign-in page has the warning", name)
		}
		s.signIn()
		s.wantPage("confirm")
		if row.want == "" && strings.Contains(s.at.body, note) {
			t.Errorf("%s: the page has the warning", name)
		}
		if row.want != "" {
			s.wantText(row.want)
		}
		s.submit()
		s.wantBack(holdfast.ReturnSuccessCC)
	}
}
