package main

import (
	"io"
	"net/url"
	"strings"
	"testing"
)

// Each guide has the address of the console and the account that can sign in to it.
func TestGuidesNameTheOperator(t *testing.T) {
	d := &demo{public: &url.URL{Scheme: "http", Host: "localhost:8010", Path: "/"}}
	a := demoAnswer{
		Console: "http://localhost:8010/console/", OperatorEmail: "operator@demo.example", OperatorPassword: "six short words",
	}
	for name, guide := range map[string]func(io.Writer, demoAnswer) error{"sandbox": d.guide, "fake": d.fakeGuide} {
		var text strings.Builder
		if err := guide(&text, a); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			a.Console + "\n", "sign in as   " + a.OperatorEmail + "\n", "password     " + a.OperatorPassword + "\n",
		} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("the guide of the %s does not say %q:\n%s", name, want, &text)
			}
		}
	}
}
