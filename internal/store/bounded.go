package store

// A list with a rare filter would read all rows of its caller for one page. So a page
// reads a bounded number of rows. It may have fewer objects than it can, or none,
// although more follow.
const (
	boundedRead = 200  // rows in one query
	boundedMax  = 5000 // rows for one page, unless it is longer
)

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
