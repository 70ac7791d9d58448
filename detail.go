package holdfast

import "errors"

// xmlDetail is TransactionDetail of the XML schema.
type xmlDetail struct {
	TransactionID     TransactionID `xml:"TransactionId"`
	CallerReference   CallerReference
	CallerDescription string
	SenderDescription string
	DateReceived      xmlTime
	DateCompleted     xmlTime
	TransactionAmount xmlAmount
	FPSFees           xmlAmount
	MarketplaceFees   xmlAmount
	FPSFeesPaidBy     Role
	SenderTokenID     TokenID      `xml:"SenderTokenId"`
	RecipientTokenID  TokenID      `xml:"RecipientTokenId"`
	PrepaidInstrument InstrumentID `xml:"PrepaidInstrumentId"`
	CreditInstrument  InstrumentID `xml:"CreditInstrumentId"`
	Operation         Operation    `xml:"FPSOperation"`
	PaymentMethod     PaymentMethod
	Status            TransactionStatus `xml:"TransactionStatus"`
	StatusCode        StatusCode
	StatusMessage     string
	SenderName        string
	SenderEmail       string
	CallerName        string
	RecipientName     string
	RecipientEmail    string
	Related           []struct {
		TransactionID TransactionID `xml:"TransactionId"`
		RelationType  RelationType
	} `xml:"RelatedTransaction"`
	History []xmlStatusChange `xml:"StatusHistory"`
}

type xmlStatusChange struct {
	Date              xmlTime
	TransactionStatus TransactionStatus
	StatusCode        StatusCode
	Amount            xmlAmount // the schema requires it, but recorded answers lack it
}

func readTransactionDetail(result xmlResult) (TransactionDetail, error) {
	var x struct{ Transaction xmlDetail }
	if err := result(&x); err != nil {
		return TransactionDetail{}, err
	}
	t := x.Transaction
	if t.TransactionID == "" || t.Status == "" {
		return TransactionDetail{}, errors.New("it has no transaction id or no status")
	}
	amount, err := t.TransactionAmount.amount()
	if err != nil {
		return TransactionDetail{}, err
	}
	fees, err := t.FPSFees.amount()
	if err != nil {
		return TransactionDetail{}, err
	}
	commission, err := t.MarketplaceFees.amount()
	if err != nil {
		return TransactionDetail{}, err
	}
	var related []RelatedTransaction
	for _, other := range t.Related {
		related = append(related, RelatedTransaction{TransactionID: other.TransactionID, Relation: other.RelationType})
	}
	var history []StatusChange
	for _, change := range t.History {
		amount, err := change.Amount.amount()
		if err != nil {
			return TransactionDetail{}, err
		}
		history = append(history, StatusChange{
			Date: change.Date.Time, Status: change.TransactionStatus, StatusCode: change.StatusCode, Amount: amount,
		})
	}
	return TransactionDetail{
		TransactionID: t.TransactionID, CallerReference: t.CallerReference,
		CallerDescription: t.CallerDescription, SenderDescription: t.SenderDescription,
		DateReceived: t.DateReceived.Time, DateCompleted: t.DateCompleted.Time,
		TransactionAmount: amount, FPSFees: fees, MarketplaceFees: commission, FPSFeesPaidBy: t.FPSFeesPaidBy,
		SenderTokenID: t.SenderTokenID, RecipientTokenID: t.RecipientTokenID,
		PrepaidInstrumentID: t.PrepaidInstrument, CreditInstrumentID: t.CreditInstrument,
		Operation: t.Operation, PaymentMethod: t.PaymentMethod,
		Status: t.Status, StatusCode: t.StatusCode, StatusMessage: t.StatusMessage,
		SenderName: t.SenderName, SenderEmail: t.SenderEmail, CallerName: t.CallerName,
		RecipientName: t.RecipientName, RecipientEmail: t.RecipientEmail,
		Related: related, History: history,
	}, nil
}
