package webui_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func TestFormTellsWhatIsWrong(t *testing.T) {
	pages, err := webui.ParsePages(fstest.MapFS{
		"only.html": {Data: []byte(`{{define "content"}}<h1>x</h1>{{template "form" .}}{{end}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	form := webui.Form{Action: "/do", Submit: "Go", Fields: []webui.Field{
		{Name: "email", Label: "E-mail", Hint: "yours"},
		{Name: "secret", Label: "Secret", Type: "password"},
		{Name: "keep", Type: "checkbox", Label: "Keep"},
	}}
	form.Fill(holdfast.Params{
		{Name: "email", Value: `"><b>`}, {Name: "secret", Value: "hush"}, {Name: "keep", Value: "yes"},
	}, "secret")
	form.SetError("email", "This is no address.")
	form.SetError("nowhere", "Something else is wrong.")
	w := httptest.NewRecorder()
	if err := pages.Render(w, http.StatusUnprocessableEntity, "only",
		webui.Layout{Title: "x", Content: form}); err != nil {
		t.Fatal(err)
	}
	body := w.Body.String()
	for _, want := range []string{
		`aria-invalid="true" aria-describedby="email-error email-hint"`, `<a href="#email">This is no address.</a>`,
		`id="email-error"`, `role="alert"`, "Something else is wrong.", `value="yes" checked`, `value="&#34;&gt;&lt;b&gt;"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, "hush") {
		t.Error("the page shows the secret")
	}
}

func TestAssets(t *testing.T) {
	w := httptest.NewRecorder()
	webui.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, webui.AssetPath("icon.svg"), nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml" ||
		!strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("the icon is answered with %d %v", w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	webui.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, webui.AssetsPrefix+"style.css", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a path without a hash of the content is answered with %d", w.Code)
	}
	if !regexp.MustCompile(`^/cobranded-ui/assets/style\.[0-9a-f]{12}\.css$`).MatchString(webui.AssetPath("style.css")) {
		t.Errorf("the style sheet is at %s", webui.AssetPath("style.css"))
	}
}
