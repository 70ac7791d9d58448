package console

import (
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/webui"
)

// hourOptions are the options of a field whose values are numbers of hours.
func hourOptions(choices []int, label func(time.Duration) string) (all []webui.Option) {
	for _, hours := range choices {
		all = append(all, webui.Option{Value: strconv.Itoa(hours), Label: label(time.Duration(hours) * time.Hour)})
	}
	return all
}

// readHours reads the value of a field with hourOptions. ok is false if it is none of
// the choices.
func readHours(choices []int, value string) (d time.Duration, ok bool) {
	for _, hours := range choices {
		if value == strconv.Itoa(hours) {
			return time.Duration(hours) * time.Hour, true
		}
	}
	return 0, false
}
