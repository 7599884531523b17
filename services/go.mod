module github.com/daicho-dev/daicho/services

go 1.26.0

require (
	github.com/daicho-dev/daicho/contracts v0.0.0
	github.com/daicho-dev/daicho/events v0.0.0
	github.com/daicho-dev/daicho/infra v0.0.0
	github.com/daicho-dev/daicho/projections v0.0.0
)

require golang.org/x/text v0.43.0 // indirect

replace (
	github.com/daicho-dev/daicho/contracts => ../contracts
	github.com/daicho-dev/daicho/events => ../events
	github.com/daicho-dev/daicho/infra => ../infra
	github.com/daicho-dev/daicho/projections => ../projections
)
