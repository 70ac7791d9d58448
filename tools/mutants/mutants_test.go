package main

import (
	"strings"
	"testing"
)

const sample = `package sample

func f(a, b int, p *int) bool {
	return a+b*2 < 7 && p != nil && -a >= b
}
`

func at(t *testing.T, kind string, column int) *mutant {
	t.Helper()
	m, err := newMutant("sample.go", []byte(sample), kind, 4, column)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAMutantIsOneOperator(t *testing.T) {
	m := at(t, "CONDITIONALS_BOUNDARY", 15)
	if got := string(m.applied([]byte(sample))); got != strings.Replace(sample, "< 7", "<= 7", 1) {
		t.Errorf("the mutant is\n%s", got)
	}
	if m.code != "return a+b*2 < 7 && p != nil && -a >= b" {
		t.Errorf("its line is %q", m.code)
	}
	for _, column := range []int{1, 14, 99} {
		if _, err := newMutant("sample.go", []byte(sample), "CONDITIONALS_BOUNDARY", 4, column); err == nil {
			t.Errorf("column %d has a mutant", column)
		}
	}
}

func TestMutantsAreTurnedOn(t *testing.T) {
	all := []*mutant{
		at(t, "CONDITIONALS_BOUNDARY", 15), at(t, "CONDITIONALS_NEGATION", 15), at(t, "ARITHMETIC_BASE", 10),
		at(t, "ARITHMETIC_BASE", 12), at(t, "CONDITIONALS_NEGATION", 24), at(t, "INVERT_NEGATIVES", 34),
		at(t, "CONDITIONALS_BOUNDARY", 37),
	}
	for i, m := range all {
		m.id = i + 1
	}
	got, err := withSwitches("sample.go", []byte(sample), all)
	if err != nil {
		t.Fatal(err)
	}
	const want = "return mutantLess(mutantAdd(a,mutantMul(b,2, 4, 0), 3, 0) , 7, 1, 2) && ((p != nil) != mutantOn(5)) " +
		"&& mutantAtLeast(mutantNeg(a, 6) , b, 7, 0)"
	if line := strings.TrimSpace(strings.Split(string(got), "\n")[3]); line != want {
		t.Errorf("the line is\n%s, want\n%s", line, want)
	}
	if n := leaveOut(all, "sample.go:4:10: something\nother.go:4:1: else"); n != len(all) || !all[0].alone {
		t.Errorf("%d mutants are compiled alone", n)
	}
	if got, err := withSwitches("sample.go", []byte(sample), all); err != nil || string(got) != sample {
		t.Errorf("without a mutant it is\n%s", got)
	}
}

// The compiler complains of an operand, which may stand on another line.
func TestAnExpressionOverLines(t *testing.T) {
	const source = "package sample\n\nvar s = \"a\" +\n\t\"b\" + string(rune(1))\n"
	m, err := newMutant("sample.go", []byte(source), "ARITHMETIC_BASE", 4, 6)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := withSwitches("sample.go", []byte(source), []*mutant{m}); err != nil {
		t.Fatal(err)
	}
	if n := leaveOut([]*mutant{m}, "sample.go:2:1: none\nsample.go:5:1: none"); n != 0 || m.alone {
		t.Error("a mutant on other lines is compiled alone")
	}
	if n := leaveOut([]*mutant{m}, "sample.go:3:9: a string is no number"); n != 1 || !m.alone {
		t.Error("it is not compiled alone")
	}
}

func TestTheScoreCountsWhatIsNotKilled(t *testing.T) {
	fates := func(all ...fate) (mutants []*mutant) {
		for _, f := range all {
			mutants = append(mutants, &mutant{file: "f.go", kind: "K", code: "x | y", fate: f})
		}
		return mutants
	}
	nine := []fate{killed, killed, killed, killed, killed, killed, killed, killed, killed}
	known := reasons{"d/f.go\tK\tx | y": "equal"}
	for name, row := range map[string]struct {
		fates  []fate
		known  reasons
		tenths int
		ok     bool
	}{
		"all killed":            {nine, nil, 1000, true},
		"one in ten, explained": {append(nine[:9:9], lived), known, 900, true},
		"not explained":         {append(nine[:9:9], lived), nil, 900, false},
		"hanging":               {append(nine[:9:9], timedOut), nil, 1000, true},
		"below the bar":         {append(nine[:8:8], lived), known, 888, false},
		"not viable":            {append(nine[:9:9], notViable), nil, 1000, true},
		"nothing":               {nil, nil, 0, false},
	} {
		s := scoreOf("d", fates(row.fates...))
		if s.tenths() != row.tenths || (verdict([]score{s}, row.known) == nil) != row.ok {
			t.Errorf("%s: %d tenths, %v", name, s.tenths(), verdict([]score{s}, row.known))
		}
	}
	text := page([]score{scoreOf("d", fates(killed, timedOut, lived))}, known)
	for _, want := range []string{"| `d` | 3 | 2 | 1 | 1 | 66.6 % |", "| `d/f.go` | K | `x \\| y` | equal |"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
}

func TestReasons(t *testing.T) {
	got, err := parseReasons("# a comment\n\nd/f.go\tK\tif a < b {\tbecause\n")
	if err != nil || len(got) != 1 || got["d/f.go\tK\tif a < b {"] != "because" {
		t.Errorf("read %v, %v", got, err)
	}
	for _, bad := range []string{"d/f.go\tK\tcode\n", "d/f.go\tK\tcode\t\n", "a\tb\tc\td\te\n"} {
		if _, err := parseReasons(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
