// Package stats owns the statistics: the events that change them, the counters in
// Redis, and the document and the live feed that it makes of these. It owns the
// tables outbox, stats_state and rejections.
//
// It promises exact counters. Redis is derived data: the transaction that makes a
// change true also writes an event to the outbox ([Queue]); one script applies the
// event to Redis once, and then its row is removed. Redis may be away, come back
// empty or with an older state; processes may die anywhere; replicas may count at
// once: within seconds the counters equal a recount in SQL again. See
// docs/adr/0003-exact-counters.md.
//
// The means:
//
//   - apply.lua applies a batch of events or none of it. It remembers the ids of
//     applied events whose rows may still be in the outbox, and refuses them. A
//     drain that died between the script and its commit is repeated without harm.
//   - Redis and Postgres (stats_state) each hold an epoch, which names one build of
//     the counters, and seq: how many events were applied since that build (Redis),
//     or removed from the outbox as applied (Postgres). Every removed row was applied
//     before, so Redis' seq is Postgres' seq plus the number of applied events that
//     are still in the outbox. Anything else means that Redis lost events, and the
//     package rebuilds it. (seq is no highest id: ids become visible out of order, and
//     a state that lacks a low id, applied late, would look complete.)
//   - Redis also counts in recent the events of seq that are in the minutes and hours.
//     Releases before these write and apply events without. Where the two numbers
//     differ, the package rebuilds, once a minute at most: replicas of such a release
//     may still run.
//   - Drains share the advisory lock "inlet stats"; a rebuild and the exact comparison
//     hold it alone.
//
// Recent files have counters of their own for the last 130 minutes and 170 hours. A
// file counts in the minute in which it came, however late its event is applied, and so
// does what takes it away again: a deletion or a merge names the minute of the upload.
// The key of a minute or an hour expires with it. Events older than that leave no key.
//
// Memory is bounded by use: a minute or an hour takes about 300 bytes, and 125 bytes
// more for each link through which files came in it, so 10 KB while nothing comes,
// and 40 MB if a thousand links are in use in every minute of a week.
//
// Redis must not evict keys (maxmemory-policy noeviction).
package stats
