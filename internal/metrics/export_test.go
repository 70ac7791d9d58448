package metrics

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// A Family is a metric's name with its labels, in order.
type Family struct {
	Name   string
	Labels []string
}

var (
	describedAs = regexp.MustCompile(`fqName: "([^"]*)"`)
	constLabels = regexp.MustCompile(`constLabels: \{([^}]*)\}`)
	variable    = regexp.MustCompile(`variableLabels: \{([^}]*)\}`)
)

// Families lists the metrics of a set, those without a value, too.
func (s *Set) Families() (all []Family) {
	for _, c := range s.all {
		descriptions := make(chan *prometheus.Desc)
		go func() {
			c.Describe(descriptions)
			close(descriptions)
		}()
		for d := range descriptions {
			text := d.String()
			f := Family{Name: describedAs.FindStringSubmatch(text)[1]}
			for pair := range strings.SplitSeq(constLabels.FindStringSubmatch(text)[1], ",") {
				if name, _, found := strings.Cut(pair, "="); found {
					f.Labels = append(f.Labels, name)
				}
			}
			for name := range strings.SplitSeq(variable.FindStringSubmatch(text)[1], ",") {
				if name != "" {
					f.Labels = append(f.Labels, name)
				}
			}
			slices.Sort(f.Labels)
			all = append(all, f)
		}
	}
	return all
}
