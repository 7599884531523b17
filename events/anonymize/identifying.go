package anonymize

import (
	"regexp"
	"strings"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Nature is what a category is by itself, in the eyes of Rule 34.
type Nature int

// The natures. What is none of the first three may stand in a dataset; whether its values do is measured.
const (
	Plain       Nature = iota
	Identifying        // describes one person by itself (criterion 1)
	Code               // an individual identification code (APPI 2(2), Order 1; criterion 2)
	Linking            // leads to other tables about the same person (criterion 3)
)

var natures = map[events.Word]Nature{
	"pd:Name": Identifying, "pd:EmailAddress": Identifying, "pd:TelephoneNumber": Identifying, "pd:PhysicalAddress": Identifying,
	"pd:PostalCode": Identifying, "pd:BirthDate": Identifying, "pd:Communication": Identifying, "pd:EmailContent": Identifying,
	"pd:ProfessionalInterview": Identifying,
	"pd:Passport":              Code, "pd:OfficialID": Code, "pd:PersonalDocuments": Code, "pd:Picture": Code, "pd:VoiceCommunicationRecording": Code,
	"pd:Fingerprint": Code, "pd:Retina": Code, "pd:FacialPrint": Code, "pd:Biometric": Code, "pd:Genetic": Code, "pd:DNACode": Code,
	"pd:UID": Linking, "pd:AccountIdentifier": Linking, "pd:Username": Linking, "pd:Password": Linking, "pd:Authenticating": Linking,
	"pd:MACAddress": Linking, "pd:IPAddress": Linking, "pd:BrowserFingerprint": Linking, "pd:PaymentCard": Linking, "pd:PaymentCardNumber": Linking,
	"pd:PaymentCardExpiry": Linking, "pd:BankAccount": Linking, "pd:UserAgent": Linking, "pd:LinkClicked": Linking, "pd:CallLog": Linking,
}

// NatureOf is a category's nature: its own, or that of its broader term in the catalogue.
func NatureOf(c *policy.Catalogue, category events.Word) Nature {
	if n := natures[category]; n != Plain {
		return n
	}
	if k, ok := c.Category(category); ok && k.Parent != "" {
		return natures[k.Parent]
	}
	return Plain
}

// generalizing says whether a step turns values into wider ones of few; by it, what identified may stay in part (Rule 34(1): "all
// or part" of the description is removed).
func generalizing(n Nature, s *Step) bool {
	switch n {
	case Code: // all of it, always
		return s.Drop
	case Identifying:
		return s.Drop || s.Place != "" || s.Time != "" || s.Generalize != nil && s.Generalize.Prefix == 0
	case Linking:
		return s.Drop || s.Generalize != nil
	case Plain:
	}
	return true
}

// What a cell must not look like. A cell is a value as it stands in the output.
var (
	looksMail     = regexp.MustCompile(`[^\s@]+@[^\s@]+\.[^\s@]+`)
	looksPhone    = regexp.MustCompile(`(?:\+|00?)[0-9](?:[-\s.()]?[0-9]){8,14}`)
	looksPassport = regexp.MustCompile(`\b[A-Z]{2}[0-9]{7}\b`)
	looksDigits   = regexp.MustCompile(`[0-9]{12,19}`)
	looksPseudo   = regexp.MustCompile(`\b[a-z2-7]{26}\b`)
	looksUUID     = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	looksTag      = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	looksAddress  = regexp.MustCompile(`\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b|\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b`)
)

func looksIdentifying(cell string) bool {
	return looksMail.MatchString(cell) || looksPhone.MatchString(cell)
}

// looksCode finds the forms of Order 1: passport numbers, and numbers of 12 digits and more (My Number, licence, resident card).
func looksCode(cell string) bool {
	return looksPassport.MatchString(cell) || looksDigits.MatchString(cell)
}

func looksLinking(cell string) bool {
	return looksPseudo.MatchString(cell) || looksUUID.MatchString(cell) || looksAddress.MatchString(cell) ||
		looksTag.MatchString(cell) && strings.ContainsAny(cell, "0123456789") && strings.ToLower(cell) != cell
}
