module github.com/daicho-dev/daicho/projections

go 1.26

require (
	github.com/daicho-dev/daicho/contracts v0.0.0
	github.com/daicho-dev/daicho/events v0.0.0
	github.com/go-json-experiment/json v1.27.2
)

replace (
	github.com/daicho-dev/daicho/contracts => ../contracts
	github.com/daicho-dev/daicho/events => ../events
)
