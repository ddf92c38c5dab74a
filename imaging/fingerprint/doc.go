// Package fingerprint tells whether two pictures are the same: one re-encoded,
// scaled down or converted to become the other. It consists of pure functions; it
// decodes nothing and stores nothing. docs/adr/0005 describes the method and what
// it was measured on.
//
// It promises to call pictures a Match only if nothing contradicts that at the full
// scale of the smaller one. An uncertain pair is a NearDuplicate; so are all copies
// of pages with small print at half their size.
//
// An incoming picture passes these steps:
//
//  1. New makes a Picture of the decoded pixels, at an eighth if EighthForFingerprint.
//  2. Of makes its Fingerprint and its probes. A picture without a Fingerprint (blank,
//     gradient, tiny) is known by its bytes alone.
//  3. Each stored picture with one of the probes among its Bands is a candidate.
//  4. Compare judges the two Fingerprints. Only Undecided pairs continue.
//  5. Verify judges Pictures of at most Side; the stored picture is decoded again.
//     Most pairs of different pictures end here, at little cost.
//  6. For pairs that are still Undecided, both pictures are decoded whole (Frame.Side
//     is FullSide), and Verify decides.
//
// The store keeps the Fingerprint of each picture, in Size bytes, and its Bands, 12
// numbers under a GIN index. Step 5 reads larger Pictures from the blob.
//
// Animations are compared by their frames: the caller makes sure that the counts
// agree and that the first, the middle and the last are the same.
package fingerprint
