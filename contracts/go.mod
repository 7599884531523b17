module github.com/daicho-dev/daicho/contracts

go 1.26

require (
	github.com/daicho-dev/daicho/events v0.0.0
	github.com/go-json-experiment/json v1.27.2
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	gopkg.in/yaml.v3 v3.0.1
)

require golang.org/x/text v0.14.0 // indirect

replace github.com/daicho-dev/daicho/events => ../events
