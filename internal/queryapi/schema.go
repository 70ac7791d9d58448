package queryapi

import (
	"bytes"
	_ "embed"
	"net/http"
	"text/template"
	"time"

	"github.com/holdfast-pay/holdfast"
)

//go:embed AmazonFPS.xsd.tmpl
var schemaText string

// versions are the versions of the API, each with a schema and a namespace.
var versions = []string{holdfast.Version2008, holdfast.Version2010}

// schemas are the XML Schema documents of the API by their paths, such as
// "/doc/2010-08-28/AmazonFPS.xsd", as FPS had them.
var schemas = func() map[string][]byte {
	text := template.Must(template.New("AmazonFPS.xsd").Parse(schemaText))
	byPath := map[string][]byte{}
	for _, version := range versions {
		var b bytes.Buffer
		if err := text.Execute(&b, version); err != nil {
			panic("queryapi: schema: " + err.Error()) // the text is linked in
		}
		byPath[schemaPath(version)] = b.Bytes()
	}
	return byPath
}()

func schemaPath(version string) string { return "/doc/" + version + "/AmazonFPS.xsd" }

// serveSchema answers a request for a schema, and reports whether it was one.
// Anybody may read it. It changes only with the program.
func serveSchema(w http.ResponseWriter, r *http.Request) bool {
	schema, ok := schemas[r.URL.Path]
	switch {
	case !ok:
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "schemas are only read", http.StatusMethodNotAllowed)
	default:
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("Cache-Control", "public, max-age=86400")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(schema))
	}
	return ok
}
