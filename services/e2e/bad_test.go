package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
)

// mark stands in every bad input; nothing that the engine says may hold it.
const mark = "MARKED-TANAKA-0312345678"

func good(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/rental/web","type":"daicho.collected.v1","subject":"rental:%s","time":"2026-10-01T10:00:00+09:00","data":{"records":[{"key":"k","category":"pd:Name","value":"%s"}],"purposes":[{"id":"SVC-01","basis":"contract"}],"operation":"rental","location":"rental-db","channel":"counter","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}}`, id, id, mark)
}

// post sends a body and answers the status and what was said.
func post(t *testing.T, e *engine, role, contentType, body string, header ...string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, e.url+"/v1/events", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+e.as(role).Token)
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("MARKED")) {
		t.Errorf("the answer echoes what was sent: %s", b)
	}
	return res.StatusCode, b
}

func TestBadInputIsRefusedWithRuleAndPath(t *testing.T) {
	e := startRaced(t, t.TempDir())
	deep := strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40)
	swap := func(old, new string) string { return strings.Replace(good("bad"), old, new, 1) }
	value := `"value":"` + mark + `"`
	cases := []struct{ name, body, rule, field string }{
		{"truncated", good("bad")[:300], "schema", ""},
		{"a number for a key", swap(`"key":"k"`, `"key":5`), "schema", "/data/records/0/key"},
		{"a list for a person", swap(`{"kind":"customer","country":"JP"}`, `["`+mark+`"]`), "schema", "/data/person"},
		{"10 MB value", swap(value, `"value":"`+strings.Repeat("MARKED", 10<<20/6)+`"`), "schema", "/data/records/0/value"},
		{"deep nesting", swap(value, `"value":`+deep), "schema", "/data"},
		{"invalid UTF-8", swap(mark, mark+"\xff"), "schema", ""},
		{"unknown field", swap(`"channel"`, `"`+mark+`":1,"channel"`), "schema", "/data"},
		{"unknown field in a record", swap(`"category"`, `"`+mark+`":1,"category"`), "schema", "/data/records/0"},
		{"unknown attribute", swap(`"specversion"`, `"`+strings.ToLower("markedx")+`":1,"specversion"`), "schema", ""},
		{"the engine's attribute", swap(`"specversion"`, `"recorded":"2026-10-01T00:00:00Z","specversion"`), "schema", ""},
		{"the engine's field", swap(`"channel"`, `"minor":true,"channel"`), "schema", "/data/minor"},
		{"future", swap("2026-10-01", "2126-10-01"), "future", "/time"},
		{"no offset", swap("2026-10-01T10:00:00+09:00", "2026-10-01T10:00:00"), "schema", "/time"},
		{"unknown type", swap("daicho.collected.v1", "daicho.collected.v9"), "schema", "/type"},
		{"unknown source", swap("/rental/web", "/rental/mars"), "unknown_word", "/source"},
		{"unknown location", swap("rental-db", "rental-xx"), "unknown_location", "/data/location"},
		{"unknown category", swap("pd:Name", "pd:Shoe"), "unknown_category", "/data/records/0/category"},
		{"unknown policy", swap(`"policy":"2025-10"`, `"policy":"1999-01"`), "unknown_policy", "/data/notice/policy"},
		{"no notice", swap(`"notice":{"policy":"2025-10","language":"ja"},`, ``), "notice_missing", "/data/notice"},
		{"web without tls", swap(`"counter"`, `"web"`), "transport", "/data/transport"},
		{"no subject", swap(`"subject":"rental:bad",`, ``), "schema", "/subject"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, b := post(t, e, "admin", "application/cloudevents+json", c.body)
			var p contracts.Problem
			if err := json.Unmarshal(b, &p); err != nil || status != 422 {
				t.Fatalf("status %d, body %.200s", status, b)
			}
			if p.Rule != c.rule || c.field != "" && p.Field != c.field {
				t.Errorf("refused by %q at %q (%s), want %q at %q", p.Rule, p.Field, p.Detail, c.rule, c.field)
			}
		})
	}

	t.Run("one bad among a thousand", func(t *testing.T) {
		var batch, lines []string
		for i := range 1000 {
			ev := good(fmt.Sprintf("batch-%d", i))
			line := good(fmt.Sprintf("line-%d", i))
			if i == 500 {
				ev, line = strings.Replace(ev, `"key":"k"`, `"key":{"`+mark+`":1}`, 1), line[:200]
			}
			batch, lines = append(batch, ev), append(lines, line)
		}
		for form, body := range map[string]string{
			"application/cloudevents-batch+json": "[" + strings.Join(batch, ",") + "]",
			"application/x-ndjson":               strings.Join(lines, "\n"),
		} {
			status, b := post(t, e, "admin", form, body)
			var r contracts.Receipts
			if err := json.Unmarshal(b, &r); err != nil || status != 200 || len(r.Results) != 1000 {
				t.Fatalf("%s: status %d, %d results", form, status, len(r.Results))
			}
			for i, x := range r.Results {
				if want := contracts.StatusRecorded; i == 500 && x.Status != contracts.StatusRefused || i != 500 && x.Status != want {
					t.Errorf("%s: event %d is %s (%s at %s)", form, i, x.Status, x.Rule, x.Field)
				}
			}
		}
	})

	t.Run("a batch that ends early", func(t *testing.T) {
		status, b := post(t, e, "admin", "application/cloudevents-batch+json", "["+good("half-1")+","+good("half-2")[:100])
		if status != 400 || !bytes.Contains(b, []byte("nothing of it was recorded")) {
			t.Errorf("status %d: %s", status, b)
		}
	})

	t.Run("binary mode", func(t *testing.T) {
		data := good("x")
		data = data[strings.Index(data, `"data":`)+7 : len(data)-1]
		h := []string{"ce-specversion", "1.0", "ce-id", "bin-1", "ce-source", "/rental/web", "ce-type", "daicho.collected.v1", "ce-subject", "rental:%E7%94%B0", "ce-time", "2026-10-01T10:00:00Z"}
		if status, b := post(t, e, "admin", "application/json", data, h...); status != 201 {
			t.Fatalf("status %d: %s", status, b)
		}
		if status, b := post(t, e, "admin", "application/json", data, h...); status != 200 || !bytes.Contains(b, []byte("duplicate")) {
			t.Errorf("again: status %d: %s", status, b)
		}
		if _, err := e.as("admin").Find(context.Background(), "rental:田"); err != nil {
			t.Errorf("a percent-encoded subject is not decoded: %v", err)
		}
		if status, b := post(t, e, "admin", "application/json", data); status != 400 {
			t.Errorf("no attributes: status %d: %s", status, b)
		}
	})

	t.Run("a foreign source", func(t *testing.T) {
		tok, err := e.as("admin").CreateToken(context.Background(), contracts.Token{Role: "emitter", Holder: "staff:web", Sources: []string{"/rental/web"}})
		if err != nil {
			t.Fatal(err)
		}
		c := e.as("admin")
		c.Token = tok.Secret
		hold := `{"specversion":"1.0","id":"h1","source":"/rental/web","type":"daicho.hold_placed.v1","subject":"rental:line-1","time":"2026-10-01T10:00:00Z","data":{"case":"L-1"}}`
		n, err := c.Emit(context.Background(), []byte(strings.Join([]string{good("mine"), strings.Replace(good("theirs"), "/rental/web", "/sales/shop", 1), hold}, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		if n[0].Status != contracts.StatusRecorded || n[1].Rule != "not_your_source" || n[2].Rule != "not_permitted" {
			t.Errorf("an emitter bound to /rental/web gets %+v", n)
		}
	})
	if strings.Contains(e.out.String(), "MARKED") {
		t.Error("the engine's output holds what was sent")
	}
	e.verified()
}

func TestRoles(t *testing.T) {
	e := fed(t, year(t)[:200])
	ctx := context.Background()
	sealed := contracts.DossierQuestion{Person: subject, Sealed: true}
	opened := contracts.DossierQuestion{Person: subject, Purpose: "DSR-01"}
	p, err := e.as("admin").Find(ctx, subject)
	if err != nil {
		t.Fatal(err)
	}
	sealed.Person, opened.Person = string(p.Person), string(p.Person)
	for _, c := range []struct {
		role         string
		sealed, open bool
	}{{"emitter", false, false}, {"auditor", true, false}, {"responder", true, false}, {"compliance", true, true}, {"admin", true, true}, {"nobody", false, false}} {
		_, err := e.as(c.role).Dossier(ctx, sealed)
		if (err == nil) != c.sealed {
			t.Errorf("%s asks for a sealed dossier: %v", c.role, err)
		}
		_, err = e.as(c.role).Dossier(ctx, opened)
		if (err == nil) != c.open {
			t.Errorf("%s asks for values: %v", c.role, err)
		}
	}
	if _, err := e.as("compliance").Dossier(ctx, contracts.DossierQuestion{Person: string(p.Person)}); err == nil {
		t.Error("values are shown without a purpose")
	}
	if _, err := e.as("compliance").Tokens(ctx); err == nil {
		t.Error("compliance lists tokens")
	}
	tok, err := e.as("admin").CreateToken(ctx, contracts.Token{Role: "auditor", Holder: "staff:a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.as("admin").RevokeToken(ctx, tok.ID); err != nil {
		t.Fatal(err)
	}
	c := e.as("admin")
	c.Token = tok.Secret
	if _, err := c.Models(ctx); err == nil {
		t.Error("a revoked token still answers")
	}
}
