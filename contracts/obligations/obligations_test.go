package obligations

import (
	"slices"
	"strconv"
	"testing"
)

func TestEverySentenceIsListedOnceInOrder(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 89 {
		t.Fatalf("%d obligations, want 89", len(all))
	}
	texts := map[string]bool{}
	for i, o := range all {
		if o.ID != "S"+strconv.Itoa(i+1) {
			t.Errorf("obligation %d is called %s", i+1, o.ID)
		}
		if o.Text == "" || o.Section == "" || !slices.Contains([]string{"duty", "permission", "information"}, o.Kind) {
			t.Errorf("%s is not complete: %+v", o.ID, o)
		}
		if texts[o.Text] {
			t.Errorf("%s says the same as another", o.ID)
		}
		texts[o.Text] = true
	}
}
