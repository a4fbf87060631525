//! `loadgen` through its binary: what it sends, what it bears, what it leaves behind, and how it ends.
//!
//! One test binary with a module for each matter, so that there is one program to link. No test asserts that a run is VALID:
//! on a busy machine it may honestly be INVALID.

mod addresses;
mod api_examples;
mod as_written;
mod audit;
mod bad_scenarios;
mod bodies;
mod bounds;
mod cancellation;
mod codings;
mod compare;
mod compared_values;
mod compose;
mod cookies;
mod dead_target;
mod echo;
mod error_names;
mod feeder_files;
mod first_words;
mod full_disk;
mod functions;
mod good_scenarios;
mod headers;
mod http2;
mod http2_server;
mod import;
mod imports;
mod json_paths;
mod live_view;
mod origins;
mod own_metrics;
mod pacing;
mod prepare;
mod proxy;
mod record;
mod redirects;
mod repeatable;
mod report;
mod rum;
mod run_folder;
mod runs;
mod same_shop;
mod scenario_commands;
mod secrets;
mod service_storm;
mod signals;
mod storm;
mod support;
mod targets;
mod tls;
mod tour;
mod town;
mod tries;
mod virtual_run;
