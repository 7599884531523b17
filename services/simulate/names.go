package simulate

import (
	"fmt"
	"strings"
)

// country is where people come from, and how they are called there.
type country struct {
	code, language, domain, phone string
	weight                        int
	family, given                 []string
	familyFirst                   bool
	streets                       []string
	postcode                      string
}

func words(s string) []string { return strings.Fields(s) }

var (
	familyJP = words("佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 松本 井上 木村 斎藤 清水 山崎 森 池田 橋本 石川 前田 藤田 後藤 岡田 長谷川 村上 近藤")
	givenJP  = words("陽葵 結菜 莉子 美咲 さくら 花子 恵子 由美子 直美 裕子 蓮 大翔 湊 健太 翔太 拓也 大輔 誠 隆 浩二 七海 菜摘 楓 葵 大和 修 芳子 啓子 ひろし まゆみ")
	familyKR = words("김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍")
	givenKR  = words("민준 서준 도윤 예준 시우 하준 지호 주원 지후 준우 서연 서윤 지우 서현 하은 하윤 민서 지유 윤서 채원 수빈 지민 현우 예린 소정")
	familyTW = words("陳 林 黃 張 李 王 吳 劉 蔡 楊 許 鄭 謝 洪 郭 邱 曾 廖 賴 徐")
	givenTW  = words("家豪 志明 俊傑 建宏 俊宏 淑芬 淑惠 美玲 雅婷 怡君 宗翰 冠宇 承恩 宜蓁 詠晴 子晴 品妍 柏翰 彥廷 佳穎 心怡 君浩 雅雯 欣怡 文雄")
	familyUS = words("Walker Harris Coleman Brooks Foster Hayes Bennett Sullivan Parker Reyes Nguyen Morgan Patel Rivera Ellis Murphy Jensen Carter Dawson Whitfield")
	givenUS  = words("Emma Olivia Ava Grace Chloe Hannah Maya Zoe Amber Nora Liam Noah Ethan Lucas Mason Owen Caleb Henry Jack Miles")
	familyDE = words("Müller Schmidt Schneider Fischer Weber Wagner Becker Schäfer Hoffmann Koch Richter Klein Wolf Schröder Neumann Krüger Vogel Böhm Jäger Lorenz")
	givenDE  = words("Anna Lena Marie Sophie Katharina Jürgen Lukas Jonas Felix Björn Käthe Greta Ulrike Stefan Matthias Johanna Paul Emil Frieda Götz")
	familyFR = words("Martin Bernard Dubois Lefèvre Moreau Laurent Girard Rousseau Fournier Mercier Chevalier Gauthier Perrin Lambert Béranger Noël Renard Barbier Marchand Léger")
	givenFR  = words("Camille Léa Manon Chloé Inès Zoé Élodie Amélie Lucie Margaux Hugo Louis Théo Jules Gaël Rémi François Étienne Benoît Antoine")
	familySG = words("Tan Lim Lee Ng Wong Goh Chua Ong Koh Teo Rahman Pillai Nair Hassan Chen")
	givenSG  = words("Wei-Ling Jia-Hui Xin-Yi Mei-Fen Kai-Wen Jun-Jie Zhi-Hao Aisyah Farid Siti Priya Arun Kavitha Daniel Rachel")
	familyTH = words("Srisai Wongsawat Chaiyaporn Rattanakul Boonmee Suwannarat Thongchai Saetang Jaidee Phromma Kittisak Intharat")
	givenTH  = words("Somchai Somsak Nattaya Kanya Malee Anong Prasert Niran Suda Chai Ploy Arthit Kamon Pim Wichai")
)

var atlas = []country{
	{"JP", "ja", "example.jp", "+81-90", 40, familyJP, givenJP, true, []string{"東京都千代田区五番町", "大阪府大阪市北区梅田", "愛知県名古屋市中区栄", "福岡県福岡市博多区", "北海道札幌市中央区", "京都府京都市下京区", "沖縄県那覇市泉崎"}, "%03d-%04d"},
	{"KR", "ko", "example.kr", "+82-10", 16, familyKR, givenKR, true, []string{"서울특별시 중구 세종대로", "부산광역시 해운대구 센텀로", "대구광역시 수성구 달구벌대로", "인천광역시 연수구 송도대로", "제주특별자치도 제주시 중앙로"}, "%02d%03d"},
	{"TW", "zh-Hant", "example.tw", "+886-912", 16, familyTW, givenTW, true, []string{"臺北市信義區松仁路", "新北市板橋區文化路", "臺中市西屯區臺灣大道", "高雄市前鎮區中山路", "臺南市東區大學路"}, "%02d%03d"},
	{"US", "en", "example.com", "+1-555", 11, familyUS, givenUS, false, []string{"Main Avenue, Springfield", "Oak Street, Riverton", "Maple Drive, Fairview", "Lakeside Road, Georgetown"}, "%02d%03d"},
	{"DE", "en", "example.de", "+49-151", 5, familyDE, givenDE, false, []string{"Lindenstraße, Köln", "Bahnhofstraße, München", "Gartenweg, Hamburg", "Schulstraße, Leipzig"}, "%02d%03d"},
	{"FR", "en", "example.fr", "+33-6", 5, familyFR, givenFR, false, []string{"rue de l’Église, Lyon", "avenue Victor Hugo, Nantes", "rue des Lilas, Paris", "place du Marché, Lille"}, "%02d%03d"},
	{"SG", "en", "example.sg", "+65", 4, familySG, givenSG, true, []string{"Serangoon Road", "Bukit Timah Road", "Tampines Avenue"}, "%02d%04d"},
	{"TH", "en", "example.th", "+66-8", 3, familyTH, givenTH, false, []string{"Sukhumvit Road, Bangkok", "Nimman Road, Chiang Mai", "Beach Road, Phuket"}, "%02d%03d"},
}

func (s *scribe) country() *country {
	n := s.rnd.IntN(100)
	for i := range atlas {
		if n -= atlas[i].weight; n < 0 {
			return &atlas[i]
		}
	}
	return &atlas[0]
}

func (c *country) gdpr() bool { return c.code == "DE" || c.code == "FR" }

func (s *scribe) name(c *country) string {
	family, given := pick(s, c.family), pick(s, c.given)
	if c.familyFirst {
		return family + " " + given
	}
	return given + " " + family
}

// mail addresses are of domains that nobody has, and name no script that a mail system would stumble over.
func (s *scribe) mail(c *country) string {
	return fmt.Sprintf("%s%d.%06d@%s", pick(s, mailWords), s.rnd.IntN(100), s.who, c.domain)
}

var mailWords = words("traveller wanderer sunny blue.sky maple river cat.lover coffee hiker night.owl lucky cloud nine star smile")

func (s *scribe) phone(c *country) string {
	return fmt.Sprintf("%s-%04d-%04d", c.phone, s.rnd.IntN(10_000), s.rnd.IntN(10_000))
}

func (s *scribe) address(c *country) string {
	post := fmt.Sprintf(c.postcode, s.rnd.IntN(100), s.rnd.IntN(1000))
	street, house := pick(s, c.streets), s.rnd.IntN(198)+1
	switch {
	case c.code == "JP":
		return fmt.Sprintf("〒%s %s%d-%d", post, street, house%9+1, house)
	case c.familyFirst && c.language != "en":
		return fmt.Sprintf("%s %s %d", post, street, house)
	}
	return fmt.Sprintf("%d %s, %s", house, street, post)
}

// card numbers begin as test numbers do and end with the digit that makes them pass a check of form.
func (s *scribe) card() string {
	digits := fmt.Appendf(nil, "400000%09d", s.rnd.IntN(1_000_000_000))
	sum := 0
	for i, d := range digits {
		v := int(d - '0')
		if i%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return string(append(digits, byte('0'+(10-sum%10)%10)))
}

func (s *scribe) passport() string {
	return fmt.Sprintf("%c%c%07d", 'A'+rune(s.rnd.IntN(26)), 'A'+rune(s.rnd.IntN(26)), s.rnd.IntN(10_000_000))
}

// birthdate of somebody who has from to to years at the beginning of the period.
func (s *scribe) birthdate(from, to int) string {
	back := s.rnd.IntN((to-from)*365) + from*366
	return s.o.Start.AddDate(0, 0, -back).Format("2006-01-02")
}

var said = map[string][]string{
	"ja":      {"羽田で受け取った端末がつながりません。", "返却の方法を教えてください。", "請求書の宛名を変更したいです。", "延長はできますか。"},
	"ko":      {"공항에서 받은 단말기가 연결되지 않습니다.", "반납 방법을 알려 주세요.", "영수증을 다시 보내 주세요."},
	"zh-Hant": {"機場領取的機器無法連線。", "請問如何歸還？", "想延長租借兩天。"},
	"en":      {"The router I picked up does not connect.", "How do I return the device?", "Please extend my rental by two days.", "The invoice shows the wrong name."},
}

var agents = []string{
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
	"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) Gecko/20100101",
}
