module github.com/daicho-dev/daicho/contracts

go 1.26

require (
	github.com/daicho-dev/daicho/events v0.0.0
	gopkg.in/yaml.v3 v3.0.1
)

require github.com/go-json-experiment/json v1.27.2 // indirect

replace github.com/daicho-dev/daicho/events => ../events
