package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/spreadsheet"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// WriteCSV writes a report as a CSV file.
func WriteCSV(ctx context.Context, r store.Reader, made Report, to io.Writer) error {
	file := spreadsheet.NewWriter(to)
	if err := file.Row(made.Headings()...); err != nil {
		return err
	}
	if err := made.Run(ctx, r, func(cells []any) error { return file.Row(texts(cells)...) }); err != nil {
		return err
	}
	return file.Flush()
}

func texts(cells []any) []string {
	all := make([]string, len(cells))
	for i, cell := range cells {
		all[i] = Text(cell)
	}
	return all
}

// Text is a cell as text: an amount has no currency, and a time is in UTC, as in RFC 3339.
func Text(cell any) string {
	switch v := cell.(type) {
	case money.Amount:
		return v.Decimal()
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case string:
		return v
	}
	return fmt.Sprint(cell)
}

// WriteJSON writes each row as a JSON object in a line. Amounts are texts, because
// many programs read JSON numbers as floats.
func WriteJSON(ctx context.Context, r store.Reader, made Report, to io.Writer) error {
	names := made.Headings()
	for i, name := range names {
		names[i] = camel(name)
	}
	return made.Run(ctx, r, func(cells []any) error {
		row := []byte{'{'}
		for i, cell := range cells {
			if i > 0 {
				row = append(row, ',')
			}
			value, err := json.Marshal(jsonCell(cell))
			if err != nil {
				return err
			}
			row = append(append(row, `"`+names[i]+`":`...), value...)
		}
		_, err := to.Write(append(row, "}\n"...))
		return err
	})
}

// jsonCell is a cell in JSON: only counts are numbers.
func jsonCell(cell any) any {
	if count, is := cell.(int64); is {
		return count
	}
	return Text(cell)
}

// camel is the name of a column in JSON: marketplaceFee for marketplace_fee.
func camel(name string) string {
	parts := strings.Split(name, "_")
	for i, part := range parts[1:] {
		parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
	}
	return strings.Join(parts, "")
}
