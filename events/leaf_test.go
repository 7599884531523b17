package events

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const canary = "Mori Aoi 090-0000-1234"

// A value has a way out, Value, and no other.
func TestASecretDoesNotPrintItself(t *testing.T) {
	secret := Clear(jsontext.Value(`"` + canary + `"`))
	sealed := secret
	sealed.At(3)
	sealed.Close([]byte("a box"))
	type holder struct {
		X Secret
		P *Secret
		L []Secret
		M map[string]Secret
	}
	for name, s := range map[string]Secret{"clear": secret, "sealed": sealed} {
		h := holder{s, &s, []Secret{s}, map[string]Secret{"m": s}}
		hidden := struct {
			x Secret
			l []Secret
			r []NewRecord
			h *holder
		}{s, h.L, []NewRecord{{Value: s}}, &h}
		whole := &Collected{Records: []NewRecord{{Key: "k", Value: s}}, Person: Profile{Birthdate: s}}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
			for _, x := range []any{s, &s, h, &h, h.L, h.M, hidden, &hidden, whole, *whole, whole.Records} {
				args := []any{x}
				if strings.Contains(verb, "%T") {
					args = []any{x, x}
				}
				safe(t, name+" "+verb, fmt.Sprintf(verb, args...))
			}
		}
		if got := fmt.Sprintf("%v|%s|%q|%#v", s, s, s, s); got != strings.Repeat("[personal]|", 3)+"[personal]" {
			t.Errorf("%s prints %s", name, got)
		}
		safe(t, name+" error", fmt.Errorf("cannot take %v, %w", s, fmt.Errorf("%s", s)).Error())
		safe(t, name+" panic", func() (text string) {
			defer func() { text = fmt.Sprint(recover()) }()
			panic(s)
		}())
		var out bytes.Buffer
		for _, log := range []*slog.Logger{
			slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil)),
		} {
			log.Info("m", "s", s, "p", &s, "h", h, "f", whole, slog.Group("g", "s", s))
		}
		safe(t, name+" slog", out.String())
		if !strings.Contains(out.String(), "[personal]") {
			t.Error("slog does not mask")
		}
	}
}

func TestAClearSecretIsNotMarshalled(t *testing.T) {
	secret := Clear(jsontext.Value(`"` + canary + `"`))
	for _, x := range []any{secret, &secret, []Secret{secret}, map[string]Secret{"a": secret}, &Corrected{Record: "k", Value: secret}} {
		b, err := stdjson.Marshal(x)
		if err == nil {
			t.Errorf("encoding/json marshals %T", x)
		}
		safe(t, "encoding/json", string(b)+fmt.Sprint(err))
		b, err = json.Marshal(x)
		if err == nil {
			t.Errorf("json marshals %T", x)
		}
		safe(t, "json", string(b)+fmt.Sprint(err))
	}
	for _, k := range Kinds() {
		f, how := k.New(), &filling{}
		fill(f, how)
		b, err := Encode(f)
		if (err != nil) != (how.boxes > 0) {
			t.Errorf("%s with %d clear secrets: %v", k.Short(), how.boxes, err)
		}
		if err != nil {
			safe(t, k.Short(), string(b)+err.Error())
		}
	}
}

func TestASealedSecretKeepsNothingClear(t *testing.T) {
	s := Clear(jsontext.Value(`"` + canary + `"`))
	if s.IsZero() || s.Box() != nil || s.Ordinal() != 0 {
		t.Error("a clear secret is not what it was made of")
	}
	s.At(7)
	s.Close([]byte{1, 2, 3})
	if s.Value() != nil || s.IsZero() || s.Ordinal() != 7 || len(s.Box()) != 3 {
		t.Error("a sealed secret is not what it was made of")
	}
	b, err := json.Marshal(s)
	if err != nil || string(b) != `{"n":7,"box":"AQID"}` {
		t.Errorf("the sealed form is %s (%v)", b, err)
	}
	if (Secret{}).IsZero() == false {
		t.Error("nothing is something")
	}
}

// A value must not change when the buffer that it came in is used again.
func TestASecretOwnsItsValue(t *testing.T) {
	b := []byte(`{"record":"k","value":"Mori"}`)
	f, r := Submitted(kind(t, TypeCorrected), b)
	if r != nil {
		t.Fatal(r)
	}
	for i := range b {
		b[i] = '!'
	}
	if got := string(f.(*Corrected).Value.Value()); got != `"Mori"` {
		t.Errorf("it became %s", got)
	}
}

func TestIdentifiers(t *testing.T) {
	for s, ok := range map[string]bool{
		"rental:C-1": true, "client-x:42": true, "a:b:c": true, "cookie:5f1c": true, "person:abcdefghijklmnopqrstuvwxyz": true,
		"rental:" + strings.Repeat("鍵", 200): true, strings.Repeat("s", 62) + ":1": true,
		"": false, ":": false, "rental": false, "rental:": false, ":C-1": false, "Rental:C-1": false, "ren tal:1": false,
		"rental:a\nb": false, "rental:\x7f": false, "rental:\xff": false, "rental:" + strings.Repeat("x", 201): false,
		strings.Repeat("s", 63) + ":1": false,
	} {
		id, got := ParseIdentifier(s)
		if got != ok {
			t.Errorf("%q: %v", s, got)
		}
		if ok && (string(id) != s || id.Scheme() != s[:strings.IndexByte(s, ':')]) {
			t.Errorf("%q has the scheme %q", s, id.Scheme())
		}
	}
}

// safe looks for the canary however it may be written.
func safe(t *testing.T, where, text string) {
	t.Helper()
	for _, form := range []string{
		canary, "Mori", "090-0000",
		fmt.Sprintf("%x", "Mori"), fmt.Sprintf("%X", "Mori"), strings.Trim(fmt.Sprint([]byte("Mori")), "[]"),
		strings.Join([]string{"0x4d", "0x6f"}, ", "),
	} {
		if strings.Contains(text, form) {
			t.Errorf("%s shows %q", where, form)
		}
	}
}
