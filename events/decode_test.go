package events

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func kind(t testing.TB, typ string) *Kind {
	t.Helper()
	k, ok := KindOf(typ)
	if !ok {
		t.Fatalf("%q is no type", typ)
	}
	return k
}

func TestSubmissionRoundTrip(t *testing.T) {
	for _, k := range Kinds() {
		want := k.New()
		fill(want, &filling{submitted: true})
		b, err := encodeSubmission(want)
		if err != nil {
			t.Fatalf("%s: %v", k.Short(), err)
		}
		got, r := Submitted(&k, b)
		if r != nil {
			t.Errorf("%s: %v", k.Short(), r)
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is not the same after it was read again", k.Short())
		}
	}
}

func TestRecordedRoundTrip(t *testing.T) {
	for _, k := range Kinds() {
		want := k.New()
		fill(want, &filling{sealed: true})
		b, err := Encode(want)
		if err != nil {
			t.Fatalf("%s: %v", k.Short(), err)
		}
		got, err := Decode(&Event{Type: k.Type, Data: b})
		if err != nil {
			t.Errorf("%s: %v", k.Short(), err)
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is not the same after it was read again", k.Short())
		}
		again, err := Encode(got)
		if err != nil || string(again) != string(b) {
			t.Errorf("%s is written differently the second time (%v)", k.Short(), err)
		}
	}
}

// What the engine fills in is refused from outside, also where it is zero.
func TestEngineFieldsAreRefused(t *testing.T) {
	for _, k := range Kinds() {
		whole, sparse := k.New(), k.New()
		fill(whole, &filling{})
		fill(sparse, &filling{submitted: true})
		a, _ := encodeSubmission(whole)
		b, _ := encodeSubmission(sparse)
		_, r := Submitted(&k, a)
		if engine := string(a) != string(b); engine != (r != nil) {
			t.Errorf("%s: %v", k.Short(), r)
		}
		if r != nil && r.Text != fromOutside {
			t.Errorf("%s: %v", k.Short(), r)
		}
	}
}

const hire = `{"records":[{"key":"K-1/name","category":"pd:Name","value":"Mori Aoi"}],"purposes":[{"id":"SVC-01","basis":"contract"}],
"matter":"K-1","operation":"rental","location":"rental-db","channel":"web","transport":"tls","notice":{"policy":"2025-10","language":"ja"},
"person":{"kind":"customer","country":"JP","birthdate":"1990-04-01"}}`

func TestRefusals(t *testing.T) {
	// Each row changes one thing of a sound submission; the place is where the emitter must look.
	type row struct{ typ, from, to, field string }
	rows := []row{
		{TypeCollected, `"matter":"K-1"`, `"mater":"K-1"`, "/data"},
		{TypeCollected, `"value":"Mori Aoi"`, `"worth":"Mori Aoi"`, "/data/records/0"},
		{TypeCollected, `"matter":"K-1"`, `"matter":"K-1","matter":"K-2"`, "/data/matter"},
		{TypeCollected, `"value":"Mori Aoi"`, `"value":{"090-1":1,"090-1":2}`, "/data/records/0/value"},
		{TypeCollected, `"value":"Mori Aoi"`, `"value":"` + "\xff" + `"`, "/data/records/0/value"},
		{TypeCollected, `"matter":"K-1"`, `"mat` + "\xff" + `ter":"K-1"`, "/data"},
		{TypeCollected, `"value":"Mori Aoi"`, `"value":null`, "/data/records/0/value"},
		{TypeCollected, `,"value":"Mori Aoi"`, ``, "/data/records/0"},
		{TypeCollected, `"value":"Mori Aoi"`, `"value":"Mori Aoi","attachment":{"upload":"u-1"}`, "/data/records/0"},
		{TypeCollected, `"value":"Mori Aoi"`, `"attachment":{"upload":"U 1"}`, "/data/records/0/attachment/upload"},
		{TypeCollected, `"value":"Mori Aoi"`, `"attachment":{}`, "/data/records/0/attachment/upload"},
		{TypeCollected, `"value":"Mori Aoi"`, `"value":"` + strings.Repeat("x", MaxValue-1) + `"`, "/data/records/0/value"},
		{TypeCollected, `"value":"Mori Aoi"`, `"value":` + strings.Repeat("[", 33) + strings.Repeat("]", 33), "/data"},
		{TypeCollected, `"key":"K-1/name"`, `"key":7`, "/data/records/0/key"},
		{TypeCollected, `"key":"K-1/name"`, `"key":""`, "/data/records/0/key"},
		{TypeCollected, `"key":"K-1/name"`, `"key":"a\tb"`, "/data/records/0/key"},
		{TypeCollected, `"key":"K-1/name"`, `"key":"` + strings.Repeat("鍵", 201) + `"`, "/data/records/0/key"},
		{TypeCollected, `"category":"pd:Name"`, `"category":"the name"`, "/data/records/0/category"},
		{TypeCollected, `"category":"pd:Name"`, `"category":"` + strings.Repeat("x", 81) + `"`, "/data/records/0/category"},
		{TypeCollected, `"basis":"contract"`, `"basis":"because"`, "/data/purposes/0/basis"},
		{TypeCollected, `"basis":"contract"`, `"basis":"contract","brought":false`, "/data/purposes/0/brought"},
		{TypeCollected, `"basis":"contract"`, `"basis":"contract","of":[]`, "/data/purposes/0/of"},
		{TypeCollected, `"basis":"contract"`, `"basis":"consent","consent":{}`, "/data/purposes/0/consent/by"},
		{TypeCollected, `"matter":"K-1"`, `"matter":""`, "/data/matter"},
		{TypeCollected, `"matter":"K-1"`, `"matter":null`, "/data/matter"},
		{TypeCollected, `"matter":"K-1"`, `"minor":false`, "/data/minor"},
		{TypeCollected, `"matter":"K-1"`, `"minor":true`, "/data/minor"},
		{TypeCollected, `"operation":"rental",`, ``, "/data/operation"},
		{TypeCollected, `"country":"JP"`, `"country":"Japan"`, "/data/person/country"},
		{TypeCollected, `"country":"JP"`, `"country":"JP-"`, "/data/person/country"},
		{TypeCollected, `"birthdate":"1990-04-01"`, `"birthdate":"1990-02-30"`, "/data/person/birthdate"},
		{TypeCollected, `"birthdate":"1990-04-01"`, `"birthdate":19900401`, "/data/person/birthdate"},
		{TypeCollected, `"notice":{"policy":"2025-10","language":"ja"}`, `"notice":{}`, "/data/notice/policy"},
		{TypeCollected, `"notice":{"policy":"2025-10","language":"ja"}`, `"notice":null`, "/data/notice"},
		{TypeCollected, `"notice":{"policy":"2025-10","language":"ja"}`, `"notice":["ja"]`, "/data/notice"},
		{TypeCollected, `"notice":{"policy":"2025-10","language":"ja"}`, `"guardian":{}`, "/data/guardian/consent"},
		{TypeCollected, `"purposes":[{"id":"SVC-01","basis":"contract"}]`, `"purposes":[]`, "/data/purposes"},
		{TypeCollected, `"purposes":[{"id":"SVC-01","basis":"contract"}]`, `"purposes":[null]`, "/data/purposes/0/id"},
		{TypeCollected, `"purposes":[{"id":"SVC-01","basis":"contract"}]`, `"purposes":{"090":1,"090":2}`, "/data/purposes"},
		{TypeCollected, `"purposes":[{"id":"SVC-01","basis":"contract"}]`, `"purposes":"SVC-01"`, "/data/purposes"},
		{TypeCollected, hire, hire[:len(hire)-1], "/data"},
		{TypeCollected, hire, hire[:strings.Index(hire, "Mori")], "/data/records/0/value"},
		{TypeCollected, hire, hire + "{}", "/data"},
		{TypeCollected, hire, `null`, "/data/records"},
		{TypeCollected, hire, `[]`, "/data"},
		{TypeCollected, hire, `"Mori Aoi"`, "/data"},
		{TypeCollected, hire, ``, "/data"},
		{TypeUseResumed, hire, `null`, "/data"},
		{TypeDeleted, hire, `{"records":[],"cause":"request"}`, "/data/records"},
		{TypeDeleted, hire, `{"records":[""],"cause":"request"}`, "/data/records/0"},
		{TypeDeleted, hire, `{"records":[` + strings.Repeat(`"K",`, 200) + `"K"],"cause":"request"}`, "/data/records"},
		{TypeDeleted, hire, `{"person":"true","cause":"request"}`, "/data/person"},
		{TypeCorrected, hire, `{"record":"K-1/name","value":"x","old":0}`, "/data/old"},
		{TypeCorrected, hire, `{"record":"K-1/name"}`, "/data/value"},
		{TypeUsed, hire, `{"purpose":"SVC-01","categories":["pd:Name"],"by":"Aoi Mori"}`, "/data/by"},
		{TypeUsed, hire, `{"purpose":"SVC-01","categories":["pd:Name"],"by":"Staff:1"}`, "/data/by"},
		{TypePolicyPublished, hire, `{"version":"1","catalogue":null}`, "/data/catalogue"},
		{TypePolicyPublished, hire, `{"version":"1","catalogue":[1]}`, "/data/catalogue"},
		{TypePolicyPublished, hire, `{"version":"1","catalogue":{},"changes":[{"text":{"a b":"x"}}]}`, "/data/changes/0/text"},
		{TypePolicyPublished, hire, `{"version":"1","catalogue":{},"changes":[{"text":{"ja":""}}]}`, "/data/changes/0/text"},
		{"daicho.incident_opened.v1", hire, `{"incident":"i-1","aware":"2026-03-01T9:00:00Z"}`, "/data/aware"},
		{"daicho.incident_opened.v1", hire, `{"incident":"i-1","aware":"2026-03-01T09:00:00,5Z"}`, "/data/aware"},
		{"daicho.incident_opened.v1", hire, `{"incident":"i-1","aware":"2026-03-01T09:00:00+24:60"}`, "/data/aware"},
		{"daicho.incident_opened.v1", hire, `{"incident":"i-1","aware":"2026-03-01T09:00:00"}`, "/data/aware"},
		{"daicho.incident_opened.v1", hire, `{"incident":"i-1","people":-1}`, "/data/people"},
		{"daicho.incident_opened.v1", hire, `{"incident":"i-1","people":1.5}`, "/data/people"},
		{"daicho.incident_opened.v1", hire, `{"incident":"i-1","people":9007199254740992}`, "/data/people"},
		{TypeKeysDestroyed, hire, `{"ordinals":[0],"epoch":"e-1","final":true}`, "/data/ordinals/0"},
	}
	if _, r := Submitted(kind(t, TypeCollected), []byte(hire)); r != nil {
		t.Fatal(r)
	}
	for _, row := range rows {
		data := strings.Replace(hire, row.from, row.to, 1)
		if data == hire {
			t.Errorf("%q changes nothing", row.to)
		}
		_, r := Submitted(kind(t, row.typ), []byte(data))
		switch {
		case r == nil:
			t.Errorf("%.80q was not refused", row.to)
		case r.Field != row.field || r.Rule != RuleSchema || r.Text == "":
			t.Errorf("%.80q is refused as %v, not at %q", row.to, r, row.field)
		}
	}
}

// What is at the edge is taken.
func TestEdges(t *testing.T) {
	for _, row := range []struct{ typ, data string }{
		{TypeUseResumed, `{}`},
		{TypeNoticeShown, ` { "deemed" : false } `},
		{TypeNoticeShown, `{"deemed":true,"notice":{"policy":"2025-10","language":"zh-Hant"}}`},
		{TypeDeleted, `{"records":[` + strings.Repeat(`"K",`, 199) + `"K"],"cause":"request"}`},
		{TypeDeleted, `{"matter":"` + strings.Repeat("鍵", 200) + `","cause":"request","person":false}`},
		{TypeCorrected, `{"record":"k","value":""}`},
		{TypeCorrected, `{"record":"k","value":false}`},
		{TypeCorrected, `{"record":"k","value":{"a":[],"b":null,"c":{},"":0}}`},
		{TypeCorrected, `{"record":"k","value":"` + strings.Repeat("x", MaxValue-2) + `"}`},
		{TypeCorrected, `{"record":"k","value":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`},
		{TypeCorrected, `{"record":"k","value":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\"}`},
		{TypeUsed, `{"purpose":"a","categories":["` + strings.Repeat("x", 80) + `"],"by":"rental-db"}`},
		{"daicho.incident_opened.v1", `{"incident":"abc","people":0,"from":"2026-03-01T00:00:00.123456789-09:30"}`},
		{"daicho.incident_opened.v1", `{"incident":"abc","people":9007199254740991}`},
	} {
		if _, r := Submitted(kind(t, row.typ), []byte(row.data)); r != nil {
			t.Errorf("%.80s: %v", row.data, r)
		}
	}
}

func TestDecodeStopsAtWhatItDoesNotUnderstand(t *testing.T) {
	for _, e := range []Event{
		{Type: "daicho.collected.v9", Data: []byte(`{}`)},
		{Type: TypeCollected, Data: []byte(`{`)},
		{Type: TypeCollected, Data: []byte(`{"records":7}`)},
		{Type: TypeCorrected, Data: []byte(`{"value":"Mori Aoi"}`)},
		{Type: TypeCorrected, Data: []byte(`{"value":{"n":0,"box":"AAAA"}}`)},
		{Type: TypeCorrected, Data: []byte(`{"value":{"n":1,"box":""}}`)},
		{Type: TypeCorrected, Data: []byte(`{"value":{"n":1,"box":"AAAA","clear":"Mori Aoi"}}`)},
	} {
		e.Position = 41
		_, err := Decode(&e)
		switch {
		case err == nil:
			t.Errorf("%s was understood", e.Data)
		case !strings.Contains(err.Error(), "41"):
			t.Errorf("%v does not say where", err)
		case strings.Contains(err.Error(), "Mori"):
			t.Errorf("%v says what", err)
		}
	}
}

// A field that a later version adds does not stop an older reader.
func TestDecodePassesOverNewFields(t *testing.T) {
	f, err := Decode(&Event{Type: TypeTrackingRefused, Data: []byte(`{"channel":"web","since":"2026"}`)})
	if err != nil || f.(*TrackingRefused).Channel != "web" {
		t.Errorf("%v", err)
	}
}

func BenchmarkSubmitted(b *testing.B) {
	k := kind(b, TypeCollected)
	b.SetBytes(int64(len(hire)))
	b.ReportAllocs()
	for b.Loop() {
		if _, r := Submitted(k, []byte(hire)); r != nil {
			b.Fatal(r)
		}
	}
}

func ExampleSubmitted() {
	k, _ := KindOf(TypeTrackingRefused)
	_, r := Submitted(k, []byte(`{"channel":"carrier pigeon"}`))
	fmt.Println(r.Field, r.Text)
	// Output: /data/channel is none of web, counter, phone, mail, app, cookie, form
}

// encodeSubmission writes a fact the way that an emitter sends it, values in the clear, and nothing that is not there.
func encodeSubmission(f Fact) ([]byte, error) {
	return json.Marshal(f, json.OmitZeroStructFields(true), json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, s Secret) error {
		return enc.WriteValue(s.Value())
	})))
}
