package policy

import (
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/events"
)

// europe are the countries whose people the GDPR protects wherever they are served from (GDPR 3): the European Economic Area, and Great
// Britain by its own Act. It is the law's list, not a policy's: a catalogue may protect more people, and is warned where it leaves one out.
var europe = strings.Fields("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO GB")

// Protected says whether the GDPR protects the people of a country, by the law itself.
func Protected(country events.Word) bool { return slices.Contains(europe, string(land(country))) }

// regimes warns of people whom the GDPR protects and a catalogue that applies it forgets. One that applies it to nobody has decided so.
func (l *linter) regimes() {
	if len(l.GDPRCountries) == 0 {
		return
	}
	var forgotten []string
	for _, country := range europe {
		if !slices.Contains(l.GDPRCountries, events.Word(country)) {
			forgotten = append(forgotten, country)
		}
	}
	if len(forgotten) > 0 {
		l.warn("/gdprCountries", "country_missing", "the GDPR protects people of "+strings.Join(forgotten, ", ")+" too")
	}
}
