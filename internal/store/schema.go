package store

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"text/template"

	"golang.org/x/tools/txtar"
)

//go:embed schema/*.sql
var embedded embed.FS

// schemaFiles has the schema; a test adds migrations to it.
var schemaFiles fs.FS = embedded

// schemaWords are what the words in double braces of the schema stand for in
// one of the databases.
func schemaWords(sqlite bool) template.FuncMap {
	either := func(onSQLite, onPostgres string) string {
		if sqlite {
			return onSQLite
		}
		return onPostgres
	}
	return template.FuncMap{
		"sqlite": func() bool { return sqlite },
		"plain":  func() string { return either("STRICT", "") },
		"byKey":  func() string { return either("STRICT, WITHOUT ROWID", "") },
		"byKeyFilled": func(percent int) string {
			return either("STRICT, WITHOUT ROWID", fmt.Sprintf("WITH (fillfactor = %d)", percent))
		},
		"key": func(id string) string { return either(id+", caller_id", "caller_id, "+id) },
		"oneOf": func(text string, words ...string) string {
			return either(
				"CASE "+text+" WHEN '"+strings.Join(words, "' THEN 1 WHEN '")+"' THEN 1 ELSE 0 END",
				text+` = ANY (CAST('{"`+strings.Join(words, `","`)+`"}' AS TEXT []))`)
		},
	}
}

// sqliteTypes are the names of PostgreSQL's types in a STRICT table.
var sqliteTypes = strings.NewReplacer("BIGINT", "INTEGER", "BYTEA", "BLOB")

// schemaFS has the migrations in the database's own words.
func (d dialect) schemaFS() (fs.FS, error) {
	names, err := fs.Glob(schemaFiles, "schema/*.sql")
	if err != nil {
		return nil, fmt.Errorf("listing the schema: %w", err)
	}
	sqlite := !d.Remote
	var files txtar.Archive
	for _, name := range names {
		parsed, err := template.New(path.Base(name)).Funcs(schemaWords(sqlite)).ParseFS(schemaFiles, name)
		if err != nil {
			return nil, fmt.Errorf("reading the schema: %w", err)
		}
		var text strings.Builder
		if err := parsed.Execute(&text, nil); err != nil {
			return nil, fmt.Errorf("reading the schema: %w", err)
		}
		sql := text.String()
		if sqlite {
			sql = sqliteTypes.Replace(sql)
		}
		files.Files = append(files.Files, txtar.File{Name: path.Base(name), Data: []byte(sql)})
	}
	return txtar.FS(&files)
}
