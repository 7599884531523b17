package policy

import "cmp"

// Outsourcing is what recipients owe, and how long the records of what they were given are kept.
type Outsourcing struct {
	Recall     Period `json:"recall,omitzero"`    // to confirm a recall, where the recipient's contract names no days; default P30D
	Review     Period `json:"review,omitzero"`    // at most between two reviews of a recipient; default P1Y (APPI 28(3), Rule 18: about once a year)
	Provision  Period `json:"provision,omitzero"` // of the record of a provision, from its making; default P3Y (APPI 29(2), 30(4))
	Contract   Period `json:"contract,omitzero"`  // where a contract with the person stands for the record, from the last provision; default P1Y
	Law        string `json:"law,omitzero"`
	Assumption string `json:"assumption,omitzero"`
}

// RecallDue is the last day on which a recall may be confirmed in time: days of the recipient's own contract, or the policy's period.
func (c *Catalogue) RecallDue(asked Date, days int) Date {
	if days > 0 {
		return asked.AddDays(days)
	}
	return asked.Add(cmp.Or(c.Outsourcing.Recall, Period{days: 30}))
}

// ReviewDue is the last day of the next review after one.
func (c *Catalogue) ReviewDue(reviewed Date) Date {
	return reviewed.Add(cmp.Or(c.Outsourcing.Review, Period{years: 1}))
}

// ProvisionKept is the last day on which a record of provision must be there (PPC Rules 21 and 25): three years from its making; where a
// contract with the person stands for the record, one year from the last provision under it.
func (c *Catalogue) ProvisionKept(made, last Date, contract bool) Date {
	if contract {
		return last.Add(cmp.Or(c.Outsourcing.Contract, Period{years: 1}))
	}
	return made.Add(cmp.Or(c.Outsourcing.Provision, Period{years: 3}))
}
