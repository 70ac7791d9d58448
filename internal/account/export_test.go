package account

// Places returns the routes of all pages and forms, such as "POST sign-in".
func (s *Server) Places() (places []string) {
	for _, r := range append(s.forAnybody(), s.forOwners()...) {
		places = append(places, r.place)
	}
	return places
}
