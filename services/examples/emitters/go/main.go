// Command go tells Daicho of rentals: one JSON order a line on standard input. See ../README.md.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"time"
)

type object map[string]any
type order struct{ Number, Customer, Name, At string }

// event has an id that follows from the order: sent again, it is a duplicate.
func (o order) event() object {
	return object{"specversion": "1.0", "id": "order-" + o.Number, "source": "/rental/web", "type": "daicho.collected.v1",
		"subject": "rental:" + o.Customer, "time": o.At, "data": object{
			"records": []object{{"key": o.Number + "/name", "category": "pd:Name", "value": o.Name}}, "matter": o.Number,
			"purposes": []object{{"id": "SVC-01", "basis": "contract"}}, "operation": "rental",
			"location": "rental-db", "channel": "web", "transport": "tls", "person": object{"kind": "customer", "country": "JP"},
			"notice": object{"policy": "2025-10", "language": "ja"}}}
}

// send tries again for some minutes, with growing pauses, while trying again may help.
func send(body []byte) (status int, answer object) {
	for attempt := range 10 {
		req, _ := http.NewRequest(http.MethodPost, os.Getenv("DAICHO_URL")+"/v1/events", bytes.NewReader(body))
		req.Header = http.Header{"Content-Type": {"application/cloudevents+json"}, "Authorization": {"Bearer " + os.Getenv("DAICHO_TOKEN")}}
		if res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req); err == nil {
			defer res.Body.Close()
			if json.NewDecoder(res.Body).Decode(&answer) == nil && res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests {
				return res.StatusCode, answer
			}
		}
		time.Sleep(time.Duration(float64(min(30*time.Second, 200*time.Millisecond<<attempt)) * (0.5 + rand.Float64())))
	}
	return 0, object{"title": "the engine does not answer", "detail": "run this again later with the same orders"}
}

func main() {
	code, in := 0, json.NewDecoder(os.Stdin)
	for o := (order{}); in.Decode(&o) == nil; o = (order{}) {
		body, _ := json.Marshal(o.event())
		switch status, answer := send(body); status {
		case http.StatusOK, http.StatusCreated:
			fmt.Println(answer["status"])
		case http.StatusUnprocessableEntity:
			fmt.Println("refused", answer["rule"], answer["field"])
			code = 1
		default:
			log.Fatal(status, " ", answer["title"], ": ", answer["detail"])
		}
	}
	os.Exit(code)
}
