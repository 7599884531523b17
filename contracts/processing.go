package contracts

import "github.com/daicho-dev/daicho/events"

// ProcessingRegister is the record of processing activities. Each activity has the fields of GDPR 30(1) or 30(2), those and no other.
type ProcessingRegister struct {
	Policy     events.Word          `json:"policy"`
	Position   events.Position      `json:"position"`
	Language   events.Word          `json:"language"`
	Controller []ControllerActivity `json:"controller"` // GDPR 30(1): one a purpose of the company's own
	Processor  []ProcessorActivity  `json:"processor"`  // GDPR 30(2): one a client
	Caveats    []string             `json:"caveats"`
}

// ControllerActivity has the fields of GDPR 30(1), (a) to (g).
type ControllerActivity struct {
	Parties      ControllerParties `json:"parties"`      // (a)
	Purpose      ActivityPurpose   `json:"purpose"`      // (b)
	DataSubjects []ActivityTerm    `json:"dataSubjects"` // (c)
	PersonalData []ActivityTerm    `json:"personalData"` // (c)
	Recipients   []ActivityTo      `json:"recipients"`   // (d), categories
	Transfers    []ActivityAbroad  `json:"transfers"`    // (e)
	Erasure      []string          `json:"erasure"`      // (f), time limits
	Security     []ActivityTerm    `json:"security"`     // (g)
}

// ProcessorActivity has the fields of GDPR 30(2), (a) to (d).
type ProcessorActivity struct {
	Parties    ProcessorParties `json:"parties"`    // (a)
	Categories []ActivityTerm   `json:"categories"` // (b), of processing
	Transfers  []ActivityAbroad `json:"transfers"`  // (c)
	Security   []ActivityTerm   `json:"security"`   // (d)
}

// ControllerParties are name and contact details. Who is not there is null; what the company has not named is in the caveats.
type ControllerParties struct {
	Controller       Party   `json:"controller"`
	JointControllers []Party `json:"jointControllers"`
	Representative   *Party  `json:"representative"` // in the Union (GDPR 27)
	Officer          *Party  `json:"officer"`        // data protection officer
}

// ProcessorParties are the same of entrusted work.
type ProcessorParties struct {
	Processor      Party  `json:"processor"`
	Controller     Party  `json:"controller"` // on whose behalf
	Representative *Party `json:"representative"`
	Officer        *Party `json:"officer"`
}

// Party is name and contact details of an organisation.
type Party struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"`
	Contact string `json:"contact,omitempty"`
	Mail    string `json:"mail,omitempty"`
	Phone   string `json:"phone,omitempty"`
}

// ActivityPurpose is a purpose in the catalogue's words, with the vocabulary's terms.
type ActivityPurpose struct {
	ID    events.Word `json:"id"`
	Text  string      `json:"text"`
	Terms []string    `json:"terms"`
}

// ActivityTerm is a word of the catalogue, or of the vocabulary, and what it is called.
type ActivityTerm struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// ActivityTo is a category of recipients.
type ActivityTo struct {
	Kind      events.Word      `json:"kind"`
	Recipient events.Word      `json:"recipient"`
	Text      string           `json:"text"`
	Countries []events.Country `json:"countries"`
}

// ActivityAbroad is a transfer to a third country: one that is neither in the European Economic Area nor the company's own.
type ActivityAbroad struct {
	Country       events.Country `json:"country"`
	Recipient     events.Word    `json:"recipient"`
	Safeguard     events.Word    `json:"safeguard"`
	Documentation string         `json:"documentation,omitempty"`
}
