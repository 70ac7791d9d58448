package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A RiskBand is the open holds of a caller whose deadline is in one span of time.
type RiskBand struct {
	Within time.Duration // until the deadline; zero for all that are later
	Holds  int
	Open   money.Amount
}

// RiskMost is how many holds are read for the bands.
const RiskMost = 5000

// riskBands are the ends of the bands.
var riskBands = []time.Duration{6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// Risk reads what a caller holds at its time, in bands by the time that is left.
// Members of a hold that was raised count by themselves. At most the 5,000 with the
// nearest deadlines are read; more reports that there are others.
func (tx *ReadTx) Risk(c party.CallerID, now time.Time) (bands []RiskBand, more bool, err error) {
	for _, within := range append(riskBands, 0) {
		bands = append(bands, RiskBand{Within: within, Open: money.Micros(0)})
	}
	type row struct {
		band, holds int
		open        money.Amount
	}
	rows, err := list(tx, "reading what is at risk", func(s scanner) (r row, err error) {
		return r, s.Scan(&r.band, &r.holds, dollarsDest{&r.open})
	}, `
		SELECT band, COUNT(*), CAST(SUM(open) AS BIGINT) FROM (
			SELECT CASE WHEN due <= $3 THEN 0 WHEN due <= $4 THEN 1 WHEN due <= $5 THEN 2 ELSE 3 END AS band,
				amount - COALESCE(taken, 0) - COALESCE(lowered, 0) AS open
			FROM transactions
			WHERE caller_id = $1 AND due > $2 AND due > 0 AND state = 'Reserved'
			ORDER BY due LIMIT $6) AS near
		GROUP BY band`,
		c, micros(now), micros(now.Add(riskBands[0])), micros(now.Add(riskBands[1])), micros(now.Add(riskBands[2])),
		RiskMost)
	holds := 0
	for _, r := range rows {
		bands[r.band].Holds, bands[r.band].Open = r.holds, r.open
		holds += r.holds
	}
	return bands, holds >= RiskMost, err
}
