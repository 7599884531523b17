package policies

import (
	"bytes"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

func TestShippedCatalogueHasNoErrors(t *testing.T) {
	for _, f := range policy.Lint(Default()) {
		if f.Severity == policy.Error {
			t.Errorf("%s %s: %s", f.Path, f.Rule, f.Text)
		} else {
			t.Logf("%s %s: %s", f.Path, f.Rule, f.Text)
		}
	}
}

func TestS10_PermittedAndTaken(t *testing.T) {
	c := Default()
	for _, x := range []struct {
		purpose, category, basis, country events.Word
		permits, takes                    bool
	}{
		{"SVC-01", "pd:Passport", "contract", "JP", true, true},
		{"SVC-01", "pd:Health", "consent", "JP", false, false},
		{"SVC-08", "pd:Communication", "legitimate_interest", "DE", true, true},
		{"SVC-09", "pd:PaymentCardNumber", "legitimate_interest", "FR", true, true},
		{"SVC-09", "pd:PaymentCardExpiry", "contract", "JP", false, false},
		{"DM-02", "pd:EmailAddress", "consent", "JP", true, true},
		{"DM-02", "pd:Passport", "legitimate_interest", "JP", false, false},
		{"CK-01", "pd:IPAddress", "legitimate_interest", "JP", true, true},
		{"CK-01", "pd:IPAddress", "legitimate_interest", "GB", true, false},
		{"CK-01", "pd:IPAddress", "consent", "NO", true, true},
		{"HR-01", "pd:WorkHistory", "contract", "JP", true, true},
		{"HR-01", "pd:Health", "contract", "DE", false, true},
		{"SP-01", "pd:Health", "contract", "DE", true, true},
		{"ACC-01", "pd:Name", "legal_obligation", "FR", true, true},
		{"DSR-01", "pd:Health", "contract", "JP", false, false},
	} {
		p := c.Purpose(x.purpose)
		if p.Permits(x.category) != x.permits || c.Takes(p, x.basis, x.country) != x.takes {
			t.Errorf("%+v: permits %t, takes %t", x, p.Permits(x.category), c.Takes(p, x.basis, x.country))
		}
	}
}

func TestWhatTheLawBrings(t *testing.T) {
	c := Default()
	for _, x := range []struct {
		purpose, category, operation events.Word
		brings                       string
	}{
		{"SVC-01", "pd:Passport", "rental", "IDV-01"},
		{"SVC-01", "pd:Passport", "sales", ""},
		{"SVC-01", "pd:Name", "rental", "ACC-01"},
		{"SVC-01", "pd:Purchase", "sales", "ACC-01"},
		{"SVC-01", "pd:EmailAddress", "rental", ""},
		{"SVC-01", "ts:RentalDevice", "rental", ""},
		{"SVC-09", "pd:Passport", "rental", ""},
	} {
		got := ""
		for _, b := range c.Brings(x.purpose, x.category, x.operation) {
			got += string(b.Purpose)
			if b.Basis != "legal_obligation" || b.Law == "" || !c.Purpose(b.Purpose).Permits(x.category) {
				t.Errorf("%+v: %+v", x, b)
			}
		}
		if got != x.brings {
			t.Errorf("%+v: brings %q", x, got)
		}
	}
}

func TestEveryWordOfVersionOneIsKnown(t *testing.T) {
	c := Default()
	for kind, x := range map[string]struct {
		words string
		has   func(events.Word) bool
	}{
		"location":  {"rental-db sales-crm content-app call-store web-analytics marketing-crm hr-files entrusted-db", c.HasLocation},
		"scheme":    {"rental sales content cookie applicant employee staff client-x", c.HasScheme},
		"milestone": {"device.returned contract.closed invoice.paid case.closed claim.opened claim.settled claim.written_off application.rejected application.accepted employment.ended account.closed survey.closed prize.sent contact service.ended", c.HasMilestone},
		"client":    {"client-x", c.HasClient},
		"recipient": {"parcel cards mailer callcenter travel analytics", c.HasRecipient},
		"source": {"/rental/web /rental/haneda-t3 /rental/narita-t1 /rental/kansai-t1 /rental/billing /rental/support /sales/shop /web/www /callcenter/pbx /marketing/crm /vendors/parcel /privacy/office /legal/cases /hr/recruiting /entrusted/client-x",
			func(w events.Word) bool { return c.HasSource(string(w)) }},
		"GDPR":       {"FR DE NO IS LI GB GB-SCT", c.GDPR},
		"designated": {"FR DE NO IS LI GB", c.Designated},
	} {
		for w := range strings.FieldsSeq(x.words) {
			if !x.has(events.Word(w)) {
				t.Errorf("%s %s is not known", kind, w)
			}
		}
	}
	for _, w := range []events.Word{"CH", "US", "JP", ""} {
		if c.GDPR(w) || c.Designated(w) {
			t.Errorf("%q is not in Europe", w)
		}
	}
	for w, flags := range map[events.Word][2]bool{"pd:Health": {true, false}, "pd:BankAccount": {false, true}, "pd:Password": {false, true}, "pd:Name": {}} {
		if k, ok := c.Category(w); !ok || k.Special != flags[0] || k.Financial != flags[1] {
			t.Errorf("%s: %+v", w, k)
		}
	}
}

func TestPublishedBytesAreStable(t *testing.T) {
	c, doc, err := Load("telecomsquare.yaml")
	if err != nil {
		t.Fatal(err)
	}
	again, same, err := Read(doc) // JSON is YAML too
	if err != nil || !bytes.Equal(doc, same) || !bytes.Equal(c.JSON(), doc) || again.Version != c.Version {
		t.Error("the catalogue does not read back as itself:", err)
	}
}

func TestWhatIsNoCatalogue(t *testing.T) {
	for _, s := range []string{"", "- a", "a: [", "version: '1'\nversion: '2'", "version: '1'\ncolour: red", "version: '1'\n---\nversion: '2'", "? [a]\n: b"} {
		if _, _, err := Read([]byte(s)); err == nil {
			t.Errorf("%q was read", s)
		}
	}
}
