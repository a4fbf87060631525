#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;
use loadgen::scenario::*;
use loadgen::template::Template;
use std::sync::Arc;
use std::time::Duration;
struct Null;
impl loadgen::measure::collector::Journal for Null {
    fn tick(&mut self, _: &loadgen::measure::snapshot::Tick, _: f64) {}
    fn promises(&mut self, _: &[String]) {}
    fn samples(&mut self, _: &[loadgen::measure::samples::Sample]) {}
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args[1] == "target" {
        use loadgen::selftest::target::*;
        let stall = args.get(3).map(|s| (Duration::from_secs(s.parse().unwrap()), Duration::from_secs(2)));
        let t = Target::start(args[2].parse().unwrap(), Behaviour { latency: Latency::Constant(Duration::from_millis(if stall.is_some() {1} else {0})), period: 1000, stall }).unwrap();
        println!("{}", t.url());
        std::thread::sleep(Duration::from_secs(600));
        return;
    }
    let url = &args[1];
    let load = match args[2].as_str() {
        "closed" => Load::Closed { shoppers: args[3].parse().unwrap(), until: Until { elapsed: Some(Duration::from_secs(args[4].parse().unwrap())), journeys: None } },
        _ => Load::Open { phases: vec![Phase { name: "run".into(), duration: Duration::from_secs(args[4].parse().unwrap()), curve: Curve::Constant(args[3].parse().unwrap()) }], spacing: Spacing::Even },
    };
    let step = Step { figure: FigureId(0), method: http::Method::GET, url: Template::text("/"), headers: vec![], body: None, timeout: None, extract: vec![], checks: vec![], outcomes: vec![], counts: vec![], promise: None, go_on_after_error: true };
    let scenario = Scenario { name: "t".into(), about: String::new(), source: Source::default(), seed: 1, target: None, load, warm_up: Duration::ZERO,
        browser: Browser { propagators: vec![Propagator::TraceContext, Propagator::Datadog], style: TraceStyle::Rum, session_sample: 1.0, trace_sample: 1.0, inject_all: false, baggage: true, preflight: false },
        http: Http { timeout: Duration::from_secs(10), connections: Connections::Shared { max: 10000 }, body_bytes_max: 1 << 24, redirects_max: 10, headers: vec![] },
        personas: vec![Persona { name: "p".into(), weight: 1.0, journeys: vec![1.0], returning: 0.0, devices: vec![("desktop".into(), 1.0)], browsers: vec![("chrome".into(), 1.0)], countries: vec![("DE".into(), 1.0)], basket: (1, 1), declined_cards: 0.0, pace: 1.0, set: vec![] }],
        journeys: vec![Journey { name: "j".into(), program: loadgen::journey::Program { ops: vec![loadgen::journey::Op::Send(StepId(0))], counters: 0 }, funnel: vec![FigureId(0)] }],
        steps: vec![step], figures: vec![FigureName { name: "GET /".into(), service: String::new(), tags: vec![] }], counters: vec![], variables: vec![], feeders: vec![], popularity: vec![], thresholds: vec![],
        limits: Limits { shoppers_max: 100000, connections_max: 10000, drain: Duration::from_secs(30), start_lag_max: Duration::from_millis(5) }, prepare: vec![] };
    let workers = args[5].parse().unwrap();
    let (_tx, rx) = tokio::sync::watch::channel(loadgen::engine::Stop::No);
    let f = loadgen::engine::run(loadgen::engine::Order { scenario: Arc::new(scenario), target: url.clone(), workers, segment: loadgen::schedule::Segment::new(0, 1).unwrap(), board: Default::default(), journal: Box::new(Null), stop: rx }).unwrap();
    let c = f.totals.cells_where(|_, _| true);
    println!("done {} errors {:?} elapsed {:?} cpu {:?} per req {:.2} us rate {:.1}", c.finished(), f.totals.errors, f.elapsed, f.cpu, f.cpu.as_secs_f64() * 1e6 / c.finished() as f64, c.finished() as f64 / f.elapsed.as_secs_f64());
    let lag = f.totals.start_lag_where(|_| true);
    println!("lag p50 {:?} p99 {:?} max {:?}", lag.quantile(0.5), lag.quantile(0.99), lag.quantile(1.0));
    for q in [0.5, 0.9, 0.95, 0.99, 0.999, 1.0] { println!("{q}: {:?} service {:?} wait {:?}", c.response.quantile(q), c.service.quantile(q), c.connection_wait.quantile(q)); }
}
