package stripefake

import "slices"

// routes are all endpoints of the API that the fake has.
func routes() []route {
	return slices.Concat(
		customerRoutes(), methodRoutes(), intentRoutes(), setupRoutes(), sessionRoutes(), refundRoutes(), chargeRoutes(),
		disputeRoutes(), balanceRoutes(), eventRoutes(), endpointRoutes(),
	)
}
