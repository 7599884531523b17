package anonymize

import (
	"strings"

	"github.com/daicho-dev/daicho/events"
)

// The prefectures of Japan by region (the eight regions of the statistics).
var regions = []struct {
	name        string
	prefectures []string
}{
	{"北海道", []string{"北海道"}},
	{"東北", []string{"青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県"}},
	{"関東", []string{"茨城県", "栃木県", "群馬県", "埼玉県", "千葉県", "東京都", "神奈川県"}},
	{"中部", []string{"新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県", "愛知県"}},
	{"近畿", []string{"三重県", "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県"}},
	{"中国", []string{"鳥取県", "島根県", "岡山県", "広島県", "山口県"}},
	{"四国", []string{"徳島県", "香川県", "愛媛県", "高知県"}},
	{"九州", []string{"福岡県", "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県"}},
}

// place makes a place wider: the country of a country code with a subdivision, or the prefecture or region that a Japanese address
// names. What names none is suppressed.
func place(text string, to events.Word) Value {
	if to == "country" {
		if country, _, _ := strings.Cut(text, "-"); len(country) == 2 && strings.ToUpper(country) == country {
			return Text(country)
		}
		return hidden()
	}
	at, found := len(text), hidden()
	for _, r := range regions {
		for _, p := range r.prefectures {
			if i := strings.Index(text, p); i >= 0 && i < at { // the first one named: 京都府 stands before a street of that name
				at = i
				found = Text(p)
				if to == "region" {
					found = Text(r.name)
				}
			}
		}
	}
	return found
}
