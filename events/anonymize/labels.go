package anonymize

import (
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// What fields are called where items of information are announced (Rules 36, 37), in the languages of the public page.
var fieldLabels = map[events.Word]policy.Text{
	"person.country": {"en": "Country", "ja": "国・地域", "zh-Hant": "國家／地區", "ko": "국가·지역"},
	"person.kind":    {"en": "Kind of person", "ja": "本人の区分", "zh-Hant": "當事人類別", "ko": "정보주체 구분"},
	"person.minor":   {"en": "Whether of age", "ja": "成年・未成年の別", "zh-Hant": "是否成年", "ko": "성년 여부"},
	"operation":      {"en": "Line of business", "ja": "業務の区分", "zh-Hant": "業務類別", "ko": "업무 구분"},
	"source":         {"en": "Where it was taken up", "ja": "受付窓口", "zh-Hant": "受理窗口", "ko": "접수 창구"},
	"location":       {"en": "System that holds it", "ja": "保管システム", "zh-Hant": "保存系統", "ko": "보관 시스템"},
	"collected":      {"en": "Period", "ja": "時期", "zh-Hant": "期間", "ko": "시기"},
	"days":           {"en": "Duration in days", "ja": "利用日数", "zh-Hant": "使用天數", "ko": "이용 일수"},
	"records":        {"en": "Number of records", "ja": "件数", "zh-Hant": "筆數", "ko": "건수"},
}

// Label is what an item of information is called, by language: a category by its name in the policy, a field by its own.
func Label(c *policy.Catalogue, item events.Word) policy.Text {
	if l, ok := fieldLabels[item]; ok {
		return l
	}
	if c != nil {
		if k, ok := c.Category(item); ok && len(k.Label) > 0 {
			return k.Label
		}
	}
	return policy.Text{"en": string(item)}
}
