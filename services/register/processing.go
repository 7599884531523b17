package register

import (
	"context"
	"slices"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/statements"
)

// Processing is the record of processing activities (GDPR 30), as of now.
func (r *Register) Processing(ctx context.Context, lang events.Word) (contracts.ProcessingRegister, error) {
	var none contracts.ProcessingRegister
	if err := allow(ctx, readers...); err != nil {
		return none, err
	}
	if lang == "" {
		lang = "en"
	}
	if !slices.Contains(statements.Languages, string(lang)) {
		return none, badQuestion("lang", "is en, ja, zh-Hant or ko")
	}
	org := r.Gateway.Organisation()
	if org.Policy == nil {
		return none, notFound("no policy has been published yet")
	}
	return statements.Record(org, string(lang)), nil
}
