package learn

// Penalty is the strength of L2 that Train chose.
func (m *Model) Penalty() float64 { return m.penalty }
