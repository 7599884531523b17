package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// docs are the comments of a Go package: what a type or a field means is said once, where it is declared.
// The names are "Type" and "Type.Field".
type docs map[string]string

func readDocs(dir string) (docs, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	d := docs{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				d.types(g)
			}
		}
	}
	if len(d) == 0 {
		return nil, fmt.Errorf("%s has no Go types", dir)
	}
	return d, nil
}

func (d docs) types(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		t := spec.(*ast.TypeSpec)
		d.put(t.Name.Name, t.Doc, t.Comment, g.Doc)
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range s.Fields.List {
			for _, name := range f.Names {
				d.put(t.Name.Name+"."+name.Name, f.Doc, f.Comment)
			}
		}
	}
}

func (d docs) put(name string, comments ...*ast.CommentGroup) {
	for _, c := range comments {
		if text := strings.TrimSpace(c.Text()); text != "" {
			d[name] = strings.Join(strings.Fields(text), " ")
			return
		}
	}
}
