package manual

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// A group is a part of the list of pages: the pages of one directory.
type group struct {
	Heading string
	Entries []entry
}

type entry struct {
	Label, Address string
	Current        bool
}

// groups returns the navigation of a page. The top directory's pages come
// first, in the order in which the first page links to them. The pages of each
// other directory follow.
func groups(documents []document, current string) (all []group) {
	for _, d := range inOrder(documents) {
		dir := path.Dir(d.file)
		if len(all) == 0 || all[len(all)-1].Heading != heading(dir) {
			all = append(all, group{Heading: heading(dir)})
		}
		last := &all[len(all)-1]
		last.Entries = append(last.Entries, entry{Label: d.title, Address: address(d.file), Current: d.file == current})
	}
	return all
}

func inOrder(documents []document) []document {
	var named []string // by the first page
	for _, d := range documents {
		if d.file == indexPage {
			named = d.links
		}
	}
	place := func(d document) int {
		if i := slices.Index(named, d.file); i >= 0 {
			return i
		}
		return len(named)
	}
	return slices.SortedStableFunc(slices.Values(documents), func(a, b document) int {
		return cmp.Or(
			strings.Compare(path.Dir(a.file), path.Dir(b.file)), // the top is "."
			cmp.Compare(isIndex(a), isIndex(b)),
			cmp.Compare(place(a), place(b)),
			strings.Compare(a.file, b.file),
		)
	})
}

// isIndex is 0 for the first page of a directory and 1 for all others.
func isIndex(d document) int {
	if path.Base(d.file) == indexPage {
		return 0
	}
	return 1
}

// heading is the heading of a directory's pages, "Actions" for "actions".
func heading(dir string) string {
	if dir == "." {
		return "Guide"
	}
	return strings.ToUpper(dir[:1]) + dir[1:]
}

func titleOf(documents []document, file string) string {
	for _, d := range documents {
		if d.file == file {
			return d.title
		}
	}
	return file
}
