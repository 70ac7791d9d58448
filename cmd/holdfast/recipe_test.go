package main

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// recipes is the page with the tasks of a stranger.
const recipes = "../../docs/console.md"

// november moves the clock of the demo's caller to the tenth of November, and puts the
// year into $YEAR.
func (s *script) november([]string) {
	now := time.Now().UTC()
	then := time.Date(now.Year(), time.November, 10, 12, 0, 0, 0, time.UTC)
	if !then.After(now) {
		then = then.AddDate(1, 0, 0)
	}
	s.Setenv("YEAR", strconv.Itoa(then.Year()))
	s.Check(s.Exec("holdfast", "clock", "advance", "--data", s.MkAbs("demo"), then.Sub(now).Round(time.Minute).String()))
}

// recipe runs a command as the page writes it. ADDRESS is the demo's store, another
// word in capitals is the variable of that name, and 2026 is $YEAR.
func recipe(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: recipe LINE")
	}
	page, err := os.ReadFile(recipes)
	ts.Check(err)
	if !slices.Contains(strings.Split(string(page), "\n"), "    "+args[0]) {
		ts.Fatalf("%s has no line %q", recipes, args[0])
	}
	line, _, _ := strings.Cut(args[0], " > ") // the script looks at the file as the output
	var words []string
	for _, word := range strings.Fields(line)[1:] {
		switch {
		case word == "ADDRESS":
			word = ts.MkAbs("demo/" + serverFile)
		case inCapitals.MatchString(word):
			word = ts.Getenv(word)
		}
		words = append(words, strings.ReplaceAll(word, "2026-", ts.Getenv("YEAR")+"-"))
	}
	if err := ts.Exec("holdfast", words...); (err != nil) != neg {
		ts.Fatalf("%s: %v", line, err)
	}
}

var inCapitals = regexp.MustCompile(`^[A-Z]+$`)
