package store

// A list with a rare filter would read all rows of its caller for one page. So a page
// reads a bounded number of rows. It may have fewer objects than it can, or none,
// although more follow.
const (
	boundedRead = 200  // rows in one query, and in the first part
	boundedMax  = 5000 // rows for one page, unless it is longer
	partGrows   = 5    // times that a part is longer than the one before
)

// parted reads a page of at least limit rows, if there are as many, that the database
// selects from the rows of an index. It reads these in parts: rows returns those that are
// selected of the n rows that come after a place, and end returns the place of the n-th of
// them, or nil. last is the place of the last row that was read, or nil if nothing follows,
// or the page is full.
func parted[T, P any](
	limit int, after P, rows func(after P, n int) ([]T, error), end func(after P, n int) (*P, error),
) (page []T, last *P, err error) {
	for read, n := 0, boundedRead; n > 0; {
		some, err := rows(after, n)
		if err != nil {
			return nil, nil, err
		}
		if page = append(page, some...); len(page) >= limit {
			return page, nil, nil
		}
		last, err := end(after, n)
		if err != nil || last == nil {
			return page, nil, err
		}
		after, read = *last, read+n
		n = min(n*partGrows, boundedMax-read)
	}
	return page, &after, nil
}

// firstOf returns the first of at most one row, or nil.
func firstOf[T any](rows []T, err error) (*T, error) {
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// bounded reads a page of at most limit rows that are selected. read returns the rows
// after another one, nil at first, at most n. next is the row after which the next
// page begins, or nil if there is none.
func bounded[T any](
	limit int, read func(after *T, n int) ([]T, error), selects func(*T) bool,
) (page []T, next *T, err error) {
	var last *T
	most := max(boundedMax, limit)
	n := min(limit+1, boundedRead) // enough if all rows are selected
	for rows := 0; rows < most; n = min(boundedRead, most-rows) {
		some, err := read(last, n)
		if err != nil {
			return nil, nil, err
		}
		for i := range some {
			if !selects(&some[i]) {
				continue
			}
			if len(page) == limit {
				return page, &page[limit-1], nil
			}
			page = append(page, some[i])
		}
		if len(some) < n {
			return page, nil, nil
		}
		last, rows = &some[len(some)-1], rows+len(some)
	}
	return page, last, nil
}
