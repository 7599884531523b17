package datasets

import (
	"strings"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/events/organisation"
)

// notice is what a recipient is told (APPI 43(4), 44; Rule 38), in Japanese and English: what it is, what is in it, and what the law
// forbids whoever gets it (APPI 45).
func notice(org *organisation.State, d *organisation.Dataset, f *events.Dataset, digest events.Word) string {
	items := func(language string) string {
		var all []string
		for _, item := range d.Made.Items {
			all = append(all, anonymize.Label(org.Policy, item).In(language))
		}
		return strings.Join(all, ", ")
	}
	name := string(f.Recipient)
	if r := org.Recipients[f.Recipient]; r != nil && r.Name != "" {
		name = string(r.Name)
	}
	return strings.NewReplacer(
		"{company}", org.Policy.Company.Name, "{recipient}", name, "{dataset}", string(f.Dataset), "{method}", string(f.Method),
		"{ja}", items("ja"), "{en}", items("en"), "{label}", string(f.Label), "{digest}", string(digest),
	).Replace(noticeText)
}

const noticeText = `本データは匿名加工情報です。
THIS IS ANONYMOUSLY PROCESSED INFORMATION.  [{label}]

提供元 / from        {company}
提供先 / to          {recipient}
提供の方法 / method  {method}
識別 / dataset       {dataset}

個人情報の保護に関する法律第2条第6項の匿名加工情報として提供します（同法第43条第4項）。
含まれる個人に関する情報の項目: {ja}
受領者は、本人を識別するために、他の情報と照合し、又は削除された記述等、個人識別符号若しくは加工の方法に関する情報を
取得してはなりません（同法第45条）。第三者に提供するときは、項目及び提供の方法をあらかじめ公表し、匿名加工情報である旨を
明示しなければなりません（同法第44条）。

It is provided as anonymously processed information in the meaning of Article 2(6) of the Act on the Protection of Personal
Information (Article 43(4)). Items of information about individuals that it contains: {en}.
Whoever receives it must not collate it with other information to identify anybody, and must not acquire the descriptions and codes
that were deleted or the method of processing (Article 45). Whoever provides it further must publish its items and the method of
provision beforehand, and say that it is anonymously processed information (Article 44).

ファイルのダイジェスト / digest of the file: {digest}
`
