// Package learn trains a model on the operator's labels, evaluates it on pictures
// that it held out, decides whether it may serve, and predicts. It is functions of
// numbers: it reads no store and keeps no state.
//
// Train fits one linear classifier on the int8 vectors of package features: a
// softmax where pictures bear one label, a sigmoid for each label where they bear
// several. It never places near-duplicates, bursts or upload batches (Families) on
// both sides of a split. Each picture is judged by weights that never saw its
// family, and a Model keeps those weights, so Predict never answers for a labelled
// picture from the picture itself.
//
// The same Set, Options and kind of processor give the same bytes of a Model, however
// many processors there are.
package learn
