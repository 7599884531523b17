package anonymize

// RawCell is a value as it stands before any step.
func RawCell(v Value) string { return v.cell() }

// Applied is what steps make of a value, as a cell.
func Applied(v Value, steps ...Step) string {
	for i := range steps {
		v = steps[i].apply(v)
	}
	return v.cell()
}
