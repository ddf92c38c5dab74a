package learn

func (m *Model) Penalty() float64 { return m.penalty }
