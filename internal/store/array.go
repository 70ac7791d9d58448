package store

import (
	"database/sql"
	"fmt"
	"reflect"
)

// arrayOf makes PostgreSQL's array of one place of many rows' arguments.
func arrayOf(kind columnType, rows [][]any, place int) (any, error) {
	switch kind {
	case number:
		return numbers(rows, place)
	case blob:
		blobs := make([][]byte, len(rows))
		for i, args := range rows {
			value, ok := args[place].([]byte)
			if !ok {
				return nil, fmt.Errorf("a %T is no blob", args[place])
			}
			blobs[i] = value
		}
		return blobs, nil
	case text:
	}
	texts := make([]string, len(rows))
	for i, args := range rows {
		switch value := args[place].(type) {
		case string:
			texts[i] = value
		default: // most texts have a type of their own
			v := reflect.ValueOf(value)
			if v.Kind() != reflect.String {
				return nil, fmt.Errorf("a %T is no text", value)
			}
			texts[i] = v.String()
		}
	}
	return texts, nil
}

// numbers are nullable, as some columns are.
func numbers(rows [][]any, place int) (any, error) {
	array := make([]*int64, len(rows))
	plain := make([]int64, len(rows))
	for i, args := range rows {
		switch value := args[place].(type) {
		case int64:
			plain[i] = value
		case int:
			plain[i] = int64(value)
		case sql.NullInt64:
			if !value.Valid {
				continue
			}
			plain[i] = value.Int64
		default:
			return nil, fmt.Errorf("a %T is no number", value)
		}
		array[i] = &plain[i]
	}
	return array, nil
}
