// Command buyer plays the demo's buyer, for the examples and for machines
// without a browser: it opens a link to the Co-Branded pages, signs in, submits
// each page's form as it stands, and follows the way back to the shop.
//
//	go run ./examples/buyer demo.json 'LINK'
//
// demo.json is the line that "holdfast demo --json" prints.
package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"time"
)

const pagesMax = 10 // more than the pages have

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: buyer demo.json LINK")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "buyer:", err)
		os.Exit(1)
	}
}

func run(demoFile, link string, out io.Writer) error {
	text, err := os.ReadFile(demoFile)
	if err != nil {
		return fmt.Errorf("reading the demo's answer: %w", err)
	}
	var demo struct{ BuyerEmail, BuyerPassword string }
	if err := json.Unmarshal(text, &demo); err != nil {
		return fmt.Errorf("reading the demo's answer: %w", err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return fmt.Errorf("making a cookie jar: %w", err)
	}
	b := &browser{client: http.Client{Jar: jar, Timeout: time.Minute}}
	if err := b.authorise(link, demo.BuyerEmail, demo.BuyerPassword); err != nil {
		return err
	}
	fmt.Fprintln(out, "The buyer is back at the shop:", b.at.Path)
	return nil
}

// A browser is a web browser without JavaScript.
type browser struct {
	client http.Client
	at     *url.URL
	page   string
}

// authorise goes through the Co-Branded pages until it is on another host's page.
func (b *browser) authorise(link, email, password string) error {
	if err := b.arrive(b.client.Get(link)); err != nil {
		return err
	}
	pages := b.at.Host
	for range pagesMax {
		if b.at.Host != pages {
			return nil
		}
		forms, err := postForms(b.page)
		if err != nil {
			return fmt.Errorf("reading %s: %w", b.at.Path, err)
		}
		if len(forms) == 0 {
			return fmt.Errorf("the page %s has no form to submit:\n%s", b.at.Path, b.page)
		}
		next := forms[0]
		for _, f := range forms {
			if f.asksPassword {
				next = f
				next.fields.Set("email", email)
				next.fields.Set("password", password)
				break
			}
		}
		if err := b.submit(next); err != nil {
			return err
		}
	}
	return fmt.Errorf("still on the page %s after %d pages", b.at.Path, pagesMax)
}

func (b *browser) submit(f form) error {
	action, err := b.at.Parse(f.action)
	if err != nil {
		return fmt.Errorf("reading the form of %s: %w", b.at.Path, err)
	}
	return b.arrive(b.client.PostForm(action.String(), f.fields))
}

func (b *browser) arrive(response *http.Response, err error) error {
	if err != nil {
		return fmt.Errorf("opening a page: %w", err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("reading a page: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s:\n%s", response.Request.URL.Path, response.Status, page)
	}
	b.at, b.page = response.Request.URL, string(page)
	return nil
}

// A form holds what a browser sends when the form's first button is pressed.
type form struct {
	action       string
	fields       url.Values
	asksPassword bool
}

// postForms finds the forms of a page that post, in order.
func postForms(page string) (all []form, err error) {
	decoder := xml.NewDecoder(strings.NewReader(page))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var current *form
	var list string // the name of the select element that options belong to
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		switch element := token.(type) {
		case xml.StartElement:
			has := attributes(element)
			switch name := element.Name.Local; {
			case name == "form" && has["method"] == "post":
				current = &form{action: has["action"], fields: url.Values{}}
			case current == nil:
			case name == "select":
				list = has["name"]
			case name == "option":
				if _, selected := has["selected"]; selected || !current.fields.Has(list) {
					current.fields.Set(list, has["value"])
				}
			case name == "input" || name == "button":
				current.add(name, has)
			}
		case xml.EndElement:
			if element.Name.Local == "form" && current != nil {
				all = append(all, *current)
				current = nil
			}
		}
	}
}

func attributes(element xml.StartElement) map[string]string {
	has := map[string]string{}
	for _, a := range element.Attr {
		has[a.Name.Local] = a.Value
	}
	return has
}

func (f *form) add(element string, has map[string]string) {
	name, kind := has["name"], has["type"]
	_, checked := has["checked"]
	switch {
	case name == "":
	case element == "button" || kind == "submit":
		if !f.fields.Has(name) {
			f.fields.Set(name, has["value"])
		}
	case kind == "radio" || kind == "checkbox":
		if checked {
			f.fields.Add(name, has["value"])
		}
	default:
		f.asksPassword = f.asksPassword || kind == "password"
		f.fields.Set(name, has["value"])
	}
}
