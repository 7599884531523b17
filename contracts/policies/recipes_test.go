package policies

import (
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/events/anonymize"
)

func TestRecipesFitThePolicy(t *testing.T) {
	names := Recipes()
	if len(names) < 2 {
		t.Fatalf("recipes: %v", names)
	}
	for _, name := range names {
		b, err := Recipe(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r, err := anonymize.Parse(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if bad := anonymize.Check(r, Default()); bad != nil {
			t.Errorf("%s: %v", name, bad)
		}
	}
	if _, err := Recipe("moon"); err == nil || !strings.Contains(err.Error(), names[0]) {
		t.Errorf("of an unknown name: %v", err)
	}
}

// The recipes tell an item that the policy dropped, added or forbids: each change below must be found.
func TestRecipesAreJudged(t *testing.T) {
	b, err := Recipe("telecomsquare-usage")
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"drop":true`, `"suppress":{"fewer":5}`}, {`"ANON-01"`, `"ANON-02"`}, {`"pd:TravelHistory"]`, `"pd:TravelHistory","pd:Health"]`},
		{`"k":5`, `"k":4`}, {`"device.returned"`, `"device.lost"`}, {`"time":"quarter"`, `"suppress":{"fewer":5}`},
	} {
		said := strings.Replace(string(b), change[0], change[1], 1)
		if said == string(b) {
			t.Fatalf("the recipe has no %s", change[0])
		}
		r, err := anonymize.Parse([]byte(said))
		if err != nil {
			t.Fatalf("%s: %v", change[1], err)
		}
		if anonymize.Check(r, Default()) == nil {
			t.Errorf("with %s it is taken", change[1])
		}
	}
}

func TestReadRecipe(t *testing.T) {
	for _, bad := range []string{"", "- a", "a: 1\n---\nb: 2", "a: {1: x}", "a: [", "text"} {
		if _, err := ReadRecipe([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if b, err := ReadRecipe([]byte("k: 5\nquery: {categories: [NO]}\n")); err != nil || string(b) != `{"k":5,"query":{"categories":["NO"]}}` {
		t.Errorf("%s %v", b, err)
	}
}
