package store

// A Size is which database keeps the store, and how much it takes on disk.
type Size struct {
	Kind  string
	Bytes int64
}

// Size reads the size of the store.
func (tx *ReadTx) Size() (s Size, err error) {
	s.Kind = "SQLite"
	query := `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
	if tx.dialect.Remote {
		s.Kind, query = "PostgreSQL", `SELECT pg_database_size(current_database())`
	}
	s.Bytes, err = tx.number(query)
	return s, err
}
