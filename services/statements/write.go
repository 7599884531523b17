package statements

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string

	// A page that does not parse does not start: it is embedded, and every test of this package renders it.
	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
)

// Policy is what a browser is told about the page: nothing comes from elsewhere, no script runs, and its own style is named by digest.
var Policy = func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// Say is one of the page's own words.
func (p *Page) Say(name string) string { return p.say(name) }

// Style is the page's style sheet.
func (p *Page) Style() template.CSS { return template.CSS(pageCSS) }

// With hands rows to a part of the template together with the page.
func (p *Page) With(rows []Row) []any { return []any{p, rows} }

// HTML writes the page.
func (p *Page) HTML() ([]byte, error) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("writing the public page: %w", err)
	}
	return b.Bytes(), nil
}
