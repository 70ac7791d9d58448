package webui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// AssetsPrefix is the path under which the assets are served. An asset's path
// contains a hash of its content, so browsers may cache it forever.
const AssetsPrefix = "/cobranded-ui/assets/"

type asset struct {
	body        []byte
	contentType string
}

// assetPaths has the path of each file by its name, and assets has each asset
// by its path.
var assetPaths, assets = readAssets()

func readAssets() (paths map[string]string, byPath map[string]asset) {
	paths, byPath = make(map[string]string), make(map[string]asset)
	files, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		panic("webui: " + err.Error()) // the files are embedded: reading them cannot fail
	}
	for _, file := range files {
		body, err := assetFiles.ReadFile("assets/" + file.Name())
		if err != nil {
			panic("webui: " + err.Error())
		}
		sum := sha256.Sum256(body)
		extension := path.Ext(file.Name())
		name := strings.TrimSuffix(file.Name(), extension) + "." + hex.EncodeToString(sum[:6]) + extension
		paths[file.Name()] = AssetsPrefix + name
		byPath[AssetsPrefix+name] = asset{body: body, contentType: mime.TypeByExtension(extension)}
	}
	return paths, byPath
}

// AssetPath is the path of a file such as "style.css".
func AssetPath(file string) string { return assetPaths[file] }

// Assets serves the styles, scripts and pictures.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", a.contentType)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Write(a.body) //nolint:errcheck // the browser has disconnected
	})
}
