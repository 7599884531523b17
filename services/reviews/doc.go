// Package reviews answers how the company looks at its own handling of personal data, and what it improves (S5, S6, S26, S27).
//
// What is recorded are events: review_planned, review_held; improvement_opened, _completed, _dropped. What they mean, and when the next
// review is due, is decided and folded in events/organisation; this room lists it, and opens the sealed words of a review or an action
// after the look has been recorded (review_read, improvement_read). It has no store and no clock of its own: a cycle that is over is overdue
// by the day on which it is asked.
package reviews
