// Package stats owns the statistics: the events that change them, the counters
// in Redis, and the document and the live feed that are made of these.
//
// It promises that the counters are exact. Redis is derived data: every change
// is an event in the table outbox, written in the transaction that makes it
// true ([Queue]), applied to Redis once by one script, and removed from the
// table afterwards. Redis may be away, come back empty or come back with an
// older state; processes may die anywhere; replicas may count at once: within
// seconds the counters equal a recount in SQL again. See
// docs/adr/0003-exact-counters.md.
//
// How that is kept:
//
//   - apply.lua applies a batch of events or nothing of it. It knows the ids of
//     events whose rows may still be in the outbox, and refuses them; a drain
//     that died between the script and its commit is repeated without harm.
//   - Redis and Postgres (stats_state) each hold an epoch, which names one build
//     of the counters, and seq, which is how many events have been applied since
//     that build, or removed from the outbox as applied. Every removed row was
//     applied before, so Redis' seq is Postgres' seq plus the events that are
//     applied and still in the outbox. Anything else means that Redis lost
//     events, and it is built anew. (It is a number of events, not the highest
//     id: ids become visible out of order, and a state that lacks a low id that
//     was applied late would look complete.)
//   - Drains hold the advisory lock "inlet stats" shared, building and the exact
//     comparison hold it alone.
//
// Redis must not evict keys (maxmemory-policy noeviction).
package stats
