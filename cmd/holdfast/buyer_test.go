package main

import (
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// A form is a page's form for a browser without JavaScript: the fields that it
// sends when its first button is pressed.
type form struct {
	action       string
	fields       url.Values
	asksPassword bool
}

// postForms finds the forms of a page that post, in order.
func postForms(t testing.TB, page string) (all []form) {
	t.Helper()
	var current *form
	var list string // the select element that options belong to
	decoder := xml.NewDecoder(strings.NewReader(page))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("reading a page: %v\n%s", err, page)
		}
		switch element := token.(type) {
		case xml.StartElement:
			attrs := map[string]string{}
			for _, a := range element.Attr {
				attrs[strings.ToLower(a.Name.Local)] = a.Value
			}
			switch name := element.Name.Local; {
			case name == "form" && strings.ToLower(attrs["method"]) == "post":
				current = &form{action: attrs["action"], fields: url.Values{}}
			case current == nil:
			case name == "select":
				list = attrs["name"]
			case name == "option":
				_, selected := attrs["selected"]
				if value, ok := attrs["value"]; ok && (selected || !current.fields.Has(list)) {
					current.fields.Set(list, value)
				}
			case name == "input" || name == "button":
				current.add(name, attrs)
			}
		case xml.EndElement:
			if element.Name.Local == "form" && current != nil {
				all = append(all, *current)
				current = nil
			}
		}
	}
}

func (f *form) add(element string, attrs map[string]string) {
	name, kind := attrs["name"], attrs["type"]
	_, checked := attrs["checked"]
	switch {
	case name == "":
	case element == "button" || kind == "submit":
		if !f.fields.Has(name) {
			f.fields.Set(name, attrs["value"])
		}
	case kind == "radio" || kind == "checkbox":
		if checked {
			f.fields.Add(name, attrs["value"])
		}
	default:
		f.asksPassword = f.asksPassword || kind == "password"
		f.fields.Set(name, attrs["value"])
	}
}

// A browser submits forms and follows links.
type browser struct {
	*holdfasttest.Browser
	t testing.TB
}

func newBrowser(t testing.TB) *browser {
	t.Helper()
	return &browser{holdfasttest.NewBrowser(t), t}
}

func (b *browser) submit(f form) {
	b.t.Helper()
	b.Post(f.action, f.fields)
}

// submitTo submits the first form of the page whose action begins with a
// prefix.
func (b *browser) submitTo(action string) {
	b.t.Helper()
	for _, f := range postForms(b.t, b.Page) {
		if strings.HasPrefix(f.action, action) {
			b.submit(f)
			return
		}
	}
	b.t.Fatalf("%s has no form to %s:\n%s", b.At.Path, action, b.Page)
}

// authorise submits the forms of the Co-Branded pages in order, beginning with
// the password, until the browser leaves them.
func (b *browser) authorise(email, password string) {
	b.t.Helper()
	const pagesMax = 8 // more than there are
	for range pagesMax {
		if b.Left != "" || !strings.HasPrefix(b.At.Path, "/cobranded-ui/") {
			return
		}
		forms := postForms(b.t, b.Page)
		if len(forms) == 0 {
			b.t.Fatalf("%s leads nowhere:\n%s", b.At.Path, b.Page)
		}
		next := forms[0]
		for _, f := range forms {
			if f.asksPassword {
				f.fields.Set("email", email)
				f.fields.Set("password", password)
				next = f
				break
			}
		}
		b.submit(next)
	}
	b.t.Fatalf("the pages have no end; the last is %s:\n%s", b.At.Path, b.Page)
}

// accountShows fails the test if the buyer's account does not show a text.
func (p *process) accountShows(text string) {
	p.t.Helper()
	buyer := newBrowser(p.t)
	buyer.Open(p.answer.Account)
	form := postForms(p.t, buyer.Page)[0]
	form.fields.Set("email", p.answer.BuyerEmail)
	form.fields.Set("password", p.answer.BuyerPassword)
	buyer.submit(form)
	if !strings.Contains(buyer.Page, text) {
		p.t.Errorf("the account does not show %s:\n%s", text, buyer.Page)
	}
}
