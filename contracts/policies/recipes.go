package policies

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"gopkg.in/yaml.v3"
)

//go:embed *.recipe.yaml
var recipes embed.FS

const recipeEnding = ".recipe.yaml"

// Recipes are the names of the recipes that come with the built-in policy, for anonymously processed information.
func Recipes() []string {
	files, _ := fs.Glob(recipes, "*"+recipeEnding)
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f, recipeEnding))
	}
	return names
}

// Recipe is one of them, as JSON.
func Recipe(name string) ([]byte, error) {
	b, err := recipes.ReadFile(name + recipeEnding)
	if err != nil {
		return nil, fmt.Errorf("there is no recipe of this name: %s", strings.Join(Recipes(), ", "))
	}
	return ReadRecipe(b)
}

// ReadRecipe makes JSON of a recipe that was written as YAML, or as JSON, which is YAML too. What it says is for the engine to judge.
func ReadRecipe(b []byte) ([]byte, error) {
	var tree map[string]any
	var more any
	in := yaml.NewDecoder(bytes.NewReader(b))
	if err := in.Decode(&tree); err != nil {
		return nil, fmt.Errorf("a recipe is YAML or JSON: %w", err)
	}
	if err := in.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("a recipe is one document")
	}
	doc, err := json.Marshal(tree)
	if err != nil {
		return nil, errors.New("a recipe has a mapping whose names are not text; put them into quotes")
	}
	return doc, nil
}
