package payment

// reasonWords are the reasons in words, for commands. Pages have their own words.
var reasonWords = map[Reason]string{
	WhyPending:    "the card network has not answered yet",
	WhyBusy:       "a settle of it is under way",
	WhyRenewing:   "a renewal of it is under way",
	WhySettled:    "it was settled",
	WhyReleased:   "it was released",
	WhyExpired:    "its deadline has passed",
	WhyFailed:     "the card network declined it",
	WhyStopped:    "the audit of the books has stopped the caller's payments",
	WhySuspended:  "the account of the caller's owner is suspended or closed",
	WhyAttention:  "its state at the card network is not as expected, and an operator must look at it first",
	WhyOnce:       "the card network takes from a hold only once",
	WhyNotKept:    "the card network has not kept the card",
	WhyOneAmount:  "the buyer has approved this amount and no more",
	WhySingleUse:  "the buyer's token was for one payment",
	WhyTokenEnded: "the buyer's token was used, cancelled or has expired",
	WhyTooOften:   "it was raised and renewed as often as a hold can be",
	WhyNoMails:    "the caller gets no mails about deadlines, or its owner's address is not verified",
	WhyNotPaid:    "nothing was paid",
	WhyRefunded:   "all of it was refunded",
	WhyDisputed:   "the buyer disputes it with the card's issuer, who has not decided yet",
	WhyTooLate:    "the time in which it can be refunded is over",
	WhyNotRefunds: "this kind of transaction cannot be refunded",
	WhyNoNotice:   "it has no notice",
}

// Words is the reason in words, as a clause.
func (r Reason) Words() string { return reasonWords[r] }
