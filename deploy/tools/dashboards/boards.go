package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

// boards are all dashboards.
var boards = []board{service, uploads, stores, background, capacity}

// quantiles are the three that a panel shows of a histogram.
func quantiles(metric, selector string) []query {
	var all []query
	for _, q := range []string{"0.5", "0.9", "0.99"} {
		all = append(all, query{`histogram_quantile(` + q + `, sum by (le) (rate(` + metric + `_bucket{` + selector + `}[$R])))`, q})
	}

	return all
}

const (
	requests = `sum(rate(inlet_http_requests_total{$S}[$R]))`
	failures = `sum(rate(inlet_http_requests_total{$S,status=~"5.."}[$R]))`
	accepted = `sum(rate(inlet_upload_files_total{$S,status!="rejected"}[$R]))`
	copies   = `sum(rate(inlet_upload_files_total{$S,status="duplicate"}[$R]))`
)

var service = board{
	uid: "inlet-service", title: "Inlet: service",
	about: "Rate, errors and time of requests, by route.",
	rows: []row{
		{"Now", []panel{
			{title: "Processes", number: true, width: 4, unit: units.Short, queries: []query{{`count(inlet_build_info{$S})`, ""}}},
			{title: "Requests", number: true, width: 4, unit: units.RequestsPerSecond, queries: []query{{requests, ""}}},
			{
				title: "Failures", about: "Share of answers with status 5xx.", number: true, width: 4, unit: units.PercentUnit,
				warn: 0.001, bad: 0.01, queries: []query{{failures + ` / ` + requests, ""}},
			},
			{
				title: "Upload time, 90th percentile", number: true, width: 4, unit: units.Seconds, warn: 5, bad: 15,
				queries: []query{{`histogram_quantile(0.9, sum by (le) (rate(inlet_http_request_seconds_bucket{$S,route="/u/:token"}[$R])))`, ""}},
			},
			{title: "Requests in flight", number: true, width: 4, unit: units.Short, queries: []query{{`sum(inlet_http_in_flight{$S})`, ""}}},
			{
				title: "Stores that do not answer", number: true, width: 4, unit: units.Short, warn: 1, bad: 2,
				queries: []query{{`count(min by (store) (inlet_store_up{$S}) == 0) or vector(0)`, ""}},
			},
		}},
		{"Requests", []panel{
			{
				title: "Rate by route", unit: units.RequestsPerSecond, stacked: true,
				queries: []query{{`sum by (route) (rate(inlet_http_requests_total{$S}[$R])) > 0`, "{{route}}"}},
			},
			{
				title: "Rate by status", unit: units.RequestsPerSecond, stacked: true,
				queries: []query{{`sum by (status) (rate(inlet_http_requests_total{$S}[$R])) > 0`, "{{status}}"}},
			},
			{
				title: "Failures by route, and rate limits", about: "5xx and 429. Clients retry 503 and 429.", unit: units.RequestsPerSecond,
				queries: []query{
					{`sum by (route, status) (rate(inlet_http_requests_total{$S,status=~"5.."}[$R])) > 0`, "{{route}} {{status}}"},
					{`sum by (limit) (rate(inlet_rate_limited_total{$S}[$R])) > 0`, "over the limit {{limit}}"},
				},
			},
		}},
		{"Time", []panel{
			{
				title: "99th percentile by route", about: "Includes receiving the body, so slow senders count.", unit: units.Seconds, width: 12,
				queries: []query{{`histogram_quantile(0.99, sum by (le, route) (rate(inlet_http_request_seconds_bucket{$S}[$R])))`, "{{route}}"}},
			},
			{title: "Uploads", unit: units.Seconds, width: 12, queries: quantiles("inlet_http_request_seconds", `$S,route="/u/:token"`)},
		}},
		{"Bytes", []panel{
			{title: "Received files", unit: units.BytesPerSecondIEC, width: 12, queries: []query{{`sum(rate(inlet_upload_bytes_total{$S}[$R]))`, "files"}}},
			{
				title: "Sent by route", unit: units.BytesPerSecondIEC, width: 12, stacked: true,
				queries: []query{{`sum by (route) (rate(inlet_http_response_bytes_total{$S}[$R])) > 0`, "{{route}}"}},
			},
		}},
	},
}

var uploads = board{
	uid: "inlet-uploads", title: "Inlet: uploads",
	about: "Outcomes of files, and where their time goes.",
	rows: []row{
		{"Now", []panel{
			{title: "Accepted", number: true, width: 6, unit: "files/s", queries: []query{{accepted, ""}}},
			{title: "Duplicates among the accepted", number: true, width: 6, unit: units.PercentUnit, queries: []query{{copies + ` / ` + accepted, ""}}},
			{
				title: "Refused", about: "Share of all files.", number: true, width: 6, unit: units.PercentUnit, warn: 0.1, bad: 0.3,
				queries: []query{{`sum(rate(inlet_upload_files_total{$S,status="rejected"}[$R])) / sum(rate(inlet_upload_files_total{$S}[$R]))`, ""}},
			},
			{
				title: "Waiting for a slot", number: true, width: 6, unit: units.PercentUnit, warn: 0.25, bad: 0.75,
				about:   "Share of the queue. When it is full, the service tells senders to retry.",
				queries: []query{{`sum(inlet_upload_queued{$S}) / sum(inlet_upload_queue_limit{$S})`, ""}},
			},
		}},
		{"Files", []panel{
			{title: "Outcomes", unit: "files/s", stacked: true, queries: []query{
				{`sum by (status) (rate(inlet_upload_files_total{$S,status!="duplicate"}[$R]))`, "{{status}}"},
				{`sum by (match) (rate(inlet_upload_files_total{$S,status="duplicate"}[$R]))`, "duplicate, {{match}}"},
			}},
			{
				title: "Formats of the accepted", unit: "files/s", stacked: true,
				queries: []query{{`sum by (format) (rate(inlet_upload_files_total{$S,status!="rejected"}[$R])) > 0`, "{{format}}"}},
			},
			{
				title: "Reasons of refusals", unit: "files/s", stacked: true,
				queries: []query{{`sum by (code) (rate(inlet_upload_rejected_total{$S}[$R])) > 0`, "{{code}}"}},
			},
		}},
		{"Bytes", []panel{
			{title: "Received and stored", unit: units.BytesPerSecondIEC, width: 12, queries: []query{
				{`sum(rate(inlet_upload_bytes_total{$S}[$R]))`, "received"},
				{`sum(rate(inlet_upload_stored_bytes_total{$S}[$R]))`, "stored"},
			}},
			{
				title: "Share of bytes not stored", about: "Duplicates and refused files.", unit: units.PercentUnit, width: 12, most: 1,
				queries: []query{{`1 - sum(rate(inlet_upload_stored_bytes_total{$S}[$R])) / sum(rate(inlet_upload_bytes_total{$S}[$R]))`, "share"}},
			},
		}},
		{"Steps", []panel{
			{
				title: "Mean time of each step", about: "receive includes the sender's time.", unit: units.Seconds,
				queries: []query{{`sum by (step) (rate(inlet_upload_step_seconds_sum{$S}[$R])) / sum by (step) (rate(inlet_upload_step_seconds_count{$S}[$R]))`, "{{step}}"}},
			},
			{
				title: "95th percentile of each step", unit: units.Seconds,
				queries: []query{{`histogram_quantile(0.95, sum by (le, step) (rate(inlet_upload_step_seconds_bucket{$S}[$R])))`, "{{step}}"}},
			},
			{
				title: "Where the time goes", about: "Files in each step, on average.", unit: units.Short, stacked: true,
				queries: []query{{`sum by (step) (rate(inlet_upload_step_seconds_sum{$S}[$R]))`, "{{step}}"}},
			},
		}},
		{"Slots", []panel{
			{title: "Processing", unit: units.Short, queries: []query{
				{`sum(inlet_upload_processing{$S})`, "running"}, {`sum(inlet_upload_queued{$S})`, "waiting"}, {`sum(inlet_upload_slots{$S})`, "slots"},
			}},
			{title: "Inspections", unit: units.Short, queries: []query{
				{`sum(inlet_upload_inspecting{$S})`, "running"}, {`sum(inlet_upload_inspecting_queued{$S})`, "waiting"}, {`sum(inlet_upload_inspecting_slots{$S})`, "slots"},
			}},
			{title: "Comparisons", unit: units.Short, queries: []query{
				{`sum(inlet_upload_comparing{$S})`, "running"}, {`sum(inlet_upload_comparing_queued{$S})`, "waiting"}, {`sum(inlet_upload_comparing_slots{$S})`, "slots"},
			}},
		}},
	},
}

var stores = board{
	uid: "inlet-stores", title: "Inlet: stores",
	about: "Postgres, Redis and the blobs, as Inlet sees them.",
	rows: []row{
		{"Now", []panel{
			{
				title: "Reachable", about: "1: every process reaches the store.", number: true, width: 12, unit: units.Short, warn: 1, bad: 0.5,
				queries: []query{{`min by (store) (inlet_store_up{$S})`, "{{store}}"}},
			},
			{
				title: "Connections to Postgres in use", number: true, width: 6, unit: units.PercentUnit, warn: 0.7, bad: 0.9,
				queries: []query{{`max(inlet_db_connections{$S,state="used"} / on (job, instance) inlet_db_connections{$S,state="max"})`, ""}},
			},
			{
				title: "Free space for blobs", number: true, width: 6, unit: units.BytesIEC, warn: 50e9, bad: 10e9,
				queries: []query{{`min(inlet_blob_free_bytes{$S} >= 0)`, ""}},
			},
		}},
		{"Postgres", []panel{
			{title: "Connections", unit: units.Short, queries: []query{{`sum by (state) (inlet_db_connections{$S})`, "{{state}}"}}},
			{
				title: "Mean wait for a connection", unit: units.Seconds, warn: 0.01, bad: 0.1,
				queries: []query{{`sum(rate(inlet_db_wait_seconds_total{$S}[$R])) / sum(rate(inlet_db_acquires_total{$S}[$R]))`, "wait"}},
			},
			{title: "Waits", unit: units.OpsPerSecond, queries: []query{
				{`sum(rate(inlet_db_waits_total{$S}[$R]))`, "waited"}, {`sum(rate(inlet_db_given_up_total{$S}[$R]))`, "cancelled"},
			}},
			{
				title: "Time of the upload steps that use Postgres", about: "95th percentile.", unit: units.Seconds, width: 24,
				queries: []query{{`histogram_quantile(0.95, sum by (le, step) (rate(inlet_upload_step_seconds_bucket{$S,step=~"admit|exact|candidates|commit"}[$R])))`, "{{step}}"}},
			},
		}},
		{"Redis", []panel{
			{title: "Commands", unit: units.OpsPerSecond, stacked: true, queries: []query{{`sum by (command) (rate(inlet_redis_command_seconds_count{$S}[$R])) > 0`, "{{command}}"}}},
			{title: "99th percentile", unit: units.Seconds, queries: []query{{`histogram_quantile(0.99, sum by (le, command) (rate(inlet_redis_command_seconds_bucket{$S}[$R])))`, "{{command}}"}}},
			{title: "Failures and connections", unit: units.Short, queries: []query{
				{`sum(rate(inlet_redis_failures_total{$S}[$R]))`, "failures/s"},
				{`sum(rate(inlet_redis_timeouts_total{$S}[$R]))`, "timeouts/s"},
				{`sum by (state) (inlet_redis_connections{$S})`, "{{state}}"},
			}},
		}},
		{"Blobs", []panel{
			{title: "Operations", unit: units.OpsPerSecond, queries: []query{
				{`sum by (operation) (rate(inlet_blob_seconds_count{$S}[$R]))`, "{{operation}}"},
				{`sum by (operation) (rate(inlet_blob_errors_total{$S}[$R])) > 0`, "{{operation}}, failed"},
			}},
			{
				title: "95th percentile", about: "open excludes reading the blob.", unit: units.Seconds,
				queries: []query{{`histogram_quantile(0.95, sum by (le, operation) (rate(inlet_blob_seconds_bucket{$S}[$R])))`, "{{operation}}"}},
			},
			{
				title: "Free space on each process's disk", about: "For blobs in files. S3 does not report it.", unit: units.BytesIEC,
				queries: []query{{`inlet_blob_free_bytes{$S} >= 0`, "{{instance}}"}},
			},
		}},
	},
}

var background = board{
	uid: "inlet-jobs", title: "Inlet: jobs, learning and relay",
	about: "Work after the answer: the statistics' relay, River's jobs, and what they learn.",
	rows: []row{
		{"Relay of the statistics", []panel{
			{
				title: "Lag", about: "Age of the oldest event that is not in Redis yet.", unit: units.Seconds, warn: 10, bad: 60,
				queries: []query{{`max(inlet_stats_relay_lag_seconds{$S})`, "lag"}},
			},
			{title: "Waiting events", unit: units.Short, queries: []query{{`max(inlet_stats_outbox_rows{$S})`, "outbox"}}},
			{title: "Applied", unit: units.OpsPerSecond, queries: []query{
				{`sum(rate(inlet_stats_events_applied_total{$S}[$R]))`, "events"}, {`sum(increase(inlet_stats_rebuilds_total{$S}[$R]))`, "rebuilds"},
			}},
		}},
		{"Jobs", []panel{
			{
				title: "Waiting", about: "Jobs that are ready to run.", unit: units.Short, stacked: true,
				queries: []query{{`max by (kind) (inlet_jobs{$S,state="available"})`, "{{kind}}"}},
			},
			{
				title: "Age of the oldest waiting job", unit: units.Seconds, warn: 300, bad: 1800,
				queries: []query{{`max by (kind) (inlet_job_oldest_seconds{$S})`, "{{kind}}"}},
			},
			{title: "By state", unit: units.Short, queries: []query{{`sum by (state) (max by (kind, state) (inlet_jobs{$S}))`, "{{state}}"}}},
			{title: "Runs", unit: units.OpsPerSecond, stacked: true, queries: []query{{`sum by (kind) (rate(inlet_job_runs_total{$S}[$R]))`, "{{kind}}"}}},
			{
				title: "Failed runs", about: "River retries them.", unit: units.OpsPerSecond,
				queries: []query{{`sum by (kind) (rate(inlet_job_runs_total{$S,outcome="failed"}[$R]))`, "{{kind}}"}},
			},
			{
				title: "Time of a run, 95th percentile", unit: units.Seconds,
				queries: []query{{`histogram_quantile(0.95, sum by (le, kind) (rate(inlet_job_seconds_bucket{$S}[$R])))`, "{{kind}}"}},
			},
		}},
		{"Learning", []panel{
			{title: "Serving model", about: "Its version, as each worker sees it.", unit: units.Short, queries: []query{{`inlet_model_version{$S}`, "{{instance}}"}}},
			{
				title: "The model on held-out pictures", unit: units.PercentUnit, most: 1,
				queries: []query{{`max(inlet_model_accuracy{$S})`, "right"}, {`max(inlet_model_macro_f1{$S})`, "macro F1"}},
			},
			{
				title: "Calibration error", about: "How far its probabilities are from how often it is right.", unit: units.PercentUnit, warn: 0.1, bad: 0.15,
				queries: []query{{`max(inlet_model_calibration_error{$S})`, "calibration error"}},
			},
			{
				title: "Features", about: "Pictures whose features were made.", unit: units.OpsPerSecond,
				queries: []query{{`sum(rate(inlet_job_runs_total{$S,kind="features",outcome="done"}[$R]))`, "pictures"}},
			},
			{title: "Predictions", unit: units.OpsPerSecond, queries: []query{{`sum(rate(inlet_predictions_total{$S}[$R]))`, "pictures"}}},
			{
				title: "Time of a prediction", unit: units.Seconds,
				queries: []query{{`sum(rate(inlet_predicting_seconds_total{$S}[$R])) / sum(rate(inlet_predictions_total{$S}[$R]))`, "per picture"}},
			},
			{title: "Trainings", unit: units.Short, queries: []query{{`sum by (outcome) (increase(inlet_trainings_total{$S}[$R]))`, "{{outcome}}"}}},
			{title: "Time in trainings", unit: units.Seconds, queries: []query{{`sum(increase(inlet_training_seconds_total{$S}[$R]))`, "seconds"}}},
		}},
	},
}

var capacity = board{
	uid: "inlet-capacity", title: "Inlet: capacity",
	about: "What each process uses, and how close it is to its limits.",
	rows: []row{
		{"Processes", []panel{
			{title: "Processor", about: "1 is one core.", unit: units.Short, queries: []query{{`rate(process_cpu_seconds_total{$S}[$R])`, "{{instance}}"}}},
			{title: "Memory", unit: units.BytesIEC, warn: 400 << 20, bad: 1 << 30, queries: []query{{`process_resident_memory_bytes{$S}`, "{{instance}}"}}},
			{
				title: "Processor time per accepted file", about: "It should not grow with the number of pictures.", unit: units.Seconds,
				queries: []query{{`sum(rate(process_cpu_seconds_total{$S}[$R])) / ` + accepted, "per file"}},
			},
			{title: "Goroutines", unit: units.Short, queries: []query{{`go_goroutines{$S}`, "{{instance}}"}}},
			{title: "Heap in use", unit: units.BytesIEC, queries: []query{{`go_memstats_heap_inuse_bytes{$S}`, "{{instance}}"}}},
			{title: "Longest pause of the garbage collector", unit: units.Seconds, queries: []query{{`go_gc_duration_seconds{$S,quantile="1"}`, "{{instance}}"}}},
			{
				title: "File descriptors", about: "Share of the limit.", unit: units.PercentUnit, most: 1, warn: 0.7, bad: 0.9,
				queries: []query{{`process_open_fds{$S} / process_max_fds{$S}`, "{{instance}}"}},
			},
			{
				title: "Slots in use", unit: units.PercentUnit, most: 1, warn: 0.8, bad: 0.95,
				queries: []query{{`inlet_upload_processing{$S} / inlet_upload_slots{$S}`, "{{instance}}"}},
			},
			{
				title: "Queue in use", unit: units.PercentUnit, most: 1, warn: 0.25, bad: 0.75,
				queries: []query{{`inlet_upload_queued{$S} / inlet_upload_queue_limit{$S}`, "{{instance}}"}},
			},
			{title: "Requests in flight", unit: units.Short, queries: []query{{`inlet_http_in_flight{$S}`, "{{instance}}"}}},
			{title: "Age of each process", unit: units.Seconds, queries: []query{{`time() - process_start_time_seconds{$S}`, "{{instance}}"}}},
			{title: "Builds", unit: units.Short, queries: []query{{`count by (version, revision) (inlet_build_info{$S})`, "{{version}} {{revision}}"}}},
		}},
	},
}
