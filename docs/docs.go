// Package docs holds the documents that the program serves.
package docs

import (
	"embed"
	"io/fs"
)

//go:embed api
var files embed.FS

// API is the directory api: the description of the API, in Markdown.
func API() fs.FS {
	api, err := fs.Sub(files, "api")
	if err != nil {
		panic("docs: " + err.Error()) // the name is a constant
	}
	return api
}
