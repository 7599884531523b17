package outbox

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"

	"github.com/daicho-dev/daicho/infra/natsbus"
)

// form is what a table looks like: which columns are read, as text, and what a row says.
type form struct {
	key     [2]string // columns that tell a row from every other: the first is indexed
	order   string    // by columns of the table t: what is read of them is text
	columns []string
	message func([]*string) *message.Message
}

// Columns that say when an event happened, the first that a table has with a time zone.
var moments = []string{"time", "occurred_at", "created_at", "timestamp"}

// formOf tells the form of a table by its columns (name → type).
func formOf(columns map[string]string, order string) (form, error) {
	has := func(names ...string) bool {
		for _, n := range names {
			if columns[n] == "" {
				return false
			}
		}
		return true
	}
	switch {
	case has("offset", "uuid", "payload", "metadata"):
		f := form{
			key: [2]string{"offset", "uuid"}, order: `t."offset"`,
			columns: []string{payload(columns), `metadata::text`}, message: ofWatermill,
		}
		if has("transaction_id") { // its index
			f.order = `t.transaction_id, t."offset"`
		}
		return f, nil
	case has("id", "aggregatetype", "aggregateid", "type", "payload"):
		if order == "" {
			order = "position"
		}
		if !has(order) {
			return form{}, fmt.Errorf("outbox: the table has no column %q to read its rows in order by; name the one that it has with order=COLUMN (an id that is random says no order)", order)
		}
		moment := `null`
		for _, n := range moments {
			if columns[n] == "timestamp with time zone" {
				moment = `to_char(` + quoted(n) + ` at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
				break
			}
		}
		// Two sources may give one id, so that the order belongs to the key.
		return form{
			key: [2]string{"id", order}, order: `t.` + quoted(order) + `, t.id`,
			columns: []string{`id::text`, `aggregatetype::text`, `aggregateid::text`, `type::text`, moment, payload(columns)}, message: ofDebezium,
		}, nil
	}
	return form{}, errors.New("outbox: the table has neither the columns of Debezium's outbox (id, aggregatetype, aggregateid, type, payload) nor those of watermill's (offset, uuid, payload, metadata)")
}

func quoted(column string) string { return pgx.Identifier{column}.Sanitize() }

// payload is read as text; where it is bytes, as Base64.
func payload(columns map[string]string) string {
	if columns["payload"] == "bytea" {
		return `'` + inBase64 + `' || encode(payload, 'base64')`
	}
	return `payload::text`
}

// inBase64 stands before bytes; JSON cannot begin so.
const inBase64 = "base64:"

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	if coded, ok := strings.CutPrefix(*s, inBase64); ok {
		if b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(coded, "\n", "")); err == nil {
			return b
		}
	}
	return []byte(*s)
}

// ofDebezium is a row as a CloudEvent: the aggregate's type is the source (its slashes may be dots), its id the person, the type may be
// short. A payload that is a whole event stands for itself.
func ofDebezium(v []*string) *message.Message {
	body := bytesOf(v[5])
	m := message.NewMessage(watermill.NewUUID(), body)
	var whole struct {
		SpecVersion string `json:"specversion"`
	}
	if json.Unmarshal(body, &whole) == nil && whole.SpecVersion != "" {
		m.Metadata.Set("content-type", "application/cloudevents+json")
		return m
	}
	set := func(name string, value *string, as func(string) string) {
		if value != nil && *value != "" {
			m.Metadata.Set(name, strings.ReplaceAll(as(*value), "%", "%25"))
		}
	}
	same := func(s string) string { return s }
	m.Metadata.Set("content-type", "application/json")
	m.Metadata.Set("ce-specversion", "1.0")
	set("ce-id", v[0], same)
	set("ce-source", v[1], func(s string) string {
		if strings.HasPrefix(s, "/") {
			return s
		}
		return "/" + strings.ReplaceAll(s, ".", "/")
	})
	set("ce-subject", v[2], same)
	set("ce-type", v[3], func(s string) string {
		if strings.Contains(s, ".") {
			return s
		}
		return "daicho." + s + ".v1"
	})
	set("ce-time", v[4], same)
	return m
}

// ofWatermill is a row as the message that was published, taken out of the forwarder's envelope if it is in one.
func ofWatermill(v []*string) *message.Message {
	m := message.NewMessage(watermill.NewUUID(), bytesOf(v[0]))
	if v[1] != nil {
		_ = json.Unmarshal([]byte(*v[1]), &m.Metadata) // what cannot be read are no headers
	}
	var envelope struct {
		Topic    string            `json:"destination_topic"`
		Payload  []byte            `json:"payload"`
		Metadata map[string]string `json:"metadata"`
	}
	topic := ""
	if json.Unmarshal(m.Payload, &envelope) == nil && envelope.Topic != "" {
		m.Payload, m.Metadata, topic = envelope.Payload, envelope.Metadata, envelope.Topic
	}
	if m.Metadata == nil {
		m.Metadata = message.Metadata{}
	}
	delete(m.Metadata, natsbus.Reply)
	delete(m.Metadata, natsbus.Subject)
	if topic != "" {
		m.Metadata.Set(natsbus.Subject, topic) // a subject that names a source has to be right
	}
	return m
}
