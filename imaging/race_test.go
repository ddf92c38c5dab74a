//go:build race

package imaging

// raced says that the race detector is on: it makes the decoding of large
// pictures twenty times slower, and counts of bytes need no second run with it.
const raced = true
