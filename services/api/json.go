package api

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/unicode/norm"
)

func marshal(v any) ([]byte, error) { return json.Marshal(v, json.Deterministic(true)) }

func unmarshal(b []byte, v any) error { return json.Unmarshal(b, v, json.RejectUnknownMembers(true)) }

// nfc brings an identifier to the form that is compared (Unicode NFC).
func nfc(s string) string { return norm.NFC.String(s) }

// lines streams an answer of many lines (NDJSON). An error before the first line is a problem; after it, the answer just ends, and
// a last line says so.
type lines struct {
	w       http.ResponseWriter
	started bool
	n       int
}

func newLines(w http.ResponseWriter) *lines { return &lines{w: w} }

func (l *lines) write(v any) error {
	b, err := marshal(v)
	if err != nil {
		return err
	}
	if !l.started {
		l.w.Header().Set("Content-Type", "application/x-ndjson")
		l.started = true
	}
	if _, err := l.w.Write(append(b, '\n')); err != nil {
		return err
	}
	if l.n++; l.n%256 == 0 {
		if f, ok := l.w.(http.Flusher); ok {
			f.Flush()
		}
	}
	return nil
}

func (l *lines) end(err error) error {
	if err == nil && !l.started {
		l.w.Header().Set("Content-Type", "application/x-ndjson")
		return nil
	}
	if err != nil && l.started {
		_ = l.write(map[string]string{"error": "the answer is not whole: the engine's log says why"})
		return nil
	}
	return err
}
