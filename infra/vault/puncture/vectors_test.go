package puncture

import "github.com/daicho-dev/daicho/events"

// The vectors are for the root 00 01 02 … 1f.
var vectors = []struct {
	n   events.Ordinal
	key string
}{
	{0, "354873074973c9c0e3539149a2e7656df99f68bf04ba044d8a6680adc0ed79af"}, {1, "0a72818f8d9b61c742200de52f97ef1892b79b8a14c8a35d42b546030bad11f5"}, {2, "bb6785f02f9cbed54a0d7cfa0def983352bbf61b0719b90c03053f3a89bf9d3b"}, {1 << 31, "aea5938968b28373ef51f83be0aaa04eb0e908caa74a7d3736db9fe821eac221"}, {1<<32 - 1, "854816c28606deb75cc253adb9e6997937da8aa089d8b1566a381731eade07d9"},
}

// puncturedForm is the SHA-256 of the form of that key punctured at 0, 2 and 2^31.
const puncturedForm = "6dd5bb5563ab0d1fa599be5229ea5fb07105f280851fee012b82e93f7d5e9364"
