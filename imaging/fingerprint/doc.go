// Package fingerprint tells whether two pictures are the same: one re-encoded,
// scaled down or converted to become the other. It consists of pure functions;
// it decodes nothing and stores nothing.
//
// It promises that pictures are called Match only where nothing says otherwise
// at the full scale of the smaller one: a pair that is not certain is NearDuplicate. So
// all copies of pages with small print that were scaled to half are NearDuplicate.
//
// The way of a picture that comes in:
//
//  1. New makes a Picture of what was decoded, at an eighth where EighthForFingerprint.
//  2. Of makes its Fingerprint and its probes. What has no Fingerprint (blank, gradient,
//     tiny) is known by its bytes alone.
//  3. Whatever is stored with one of the probes among its Bands is a candidate.
//  4. Compare by the two Fingerprints. Only what is Undecided goes on.
//  5. Verify by Pictures of at most Side; the stored one is decoded again. Most
//     pairs that are not the same end here, at little cost.
//  6. What is Undecided still is decoded whole, both of them (Frame.Side is
//     FullSide), and Verify decides.
//
// Of each picture the Fingerprint is stored, in Size bytes, and the Bands, 12 numbers
// under a GIN index. Larger pictures for step 5 are not: they are in the blob.
//
// Animations are compared by their frames: it is the caller's to see that the
// counts agree and that the first, the middle and the last are the same.
package fingerprint
