package api

import (
	"net/http"
	"strconv"

	"github.com/daicho-dev/daicho/contracts"
)

func (a *API) majorityRoutes() []Route {
	return []Route{{"GET", "/v1/majority", a.asked(a.majority)}}
}

func (a *API) majority(s *serving, w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	limit, err := strconv.Atoi(v.Get("limit"))
	if err != nil && v.Get("limit") != "" {
		limit = -1
	}
	return reply(w)(s.Register.Majority(r.Context(), contracts.MajorityQuestion{By: v.Get("by"), After: v.Get("after"), Limit: limit}))
}
