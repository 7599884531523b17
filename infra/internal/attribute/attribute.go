// Package attribute writes the attributes of an event into what a log carries beside the data: headers here, metadata there. The form is
// the same in every log.
package attribute

import "strings"

// Clock is the form of a time: RFC 3339, UTC, milliseconds.
const Clock = "2006-01-02T15:04:05.000Z07:00"

// Token says whether a string may be a part of a stream's name.
func Token(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

func plain(c byte) bool { return c > ' ' && c < 0x7f && c != '"' && c != '%' }

const hex = "0123456789ABCDEF"

// Escape writes an attribute the way that CloudEvents put it into a header: what is not a visible ASCII character, and
// the quote and the percent sign, as %XX. So no attribute can end a header line, and none is changed on its way.
func Escape(s string) string {
	n := 0
	for i := range len(s) {
		if !plain(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// Unescape reads what Escape wrote.
func Unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := strings.IndexByte(hex, s[i+1]), strings.IndexByte(hex, s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b = append(b, byte(hi<<4|lo))
		i += 2
	}
	return string(b), true
}
