//! Walks through small programs.

use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;

use super::*;
use crate::scenario::{Comparison, Condition, Literal, Outcome, Test, Think};
use crate::shopper::fixture;
use crate::template::{Expr, Slot, Value};

/// Actions that a test waits for before it gives up.
const ACTIONS_MAX: usize = 1_000;

fn program(ops: Vec<Op>, counters: u8) -> Program {
    Program { ops, counters }
}

fn send(step: u16) -> Op {
    Op::Send(StepId(step))
}

fn status_is(status: u16) -> Condition {
    Condition::Response(Test::Status(vec![(status, status)]))
}

fn response(status: u16) -> Response {
    Response::new(status, HeaderMap::new(), Bytes::new(), Duration::ZERO)
}

/// All actions to the end, each request answered with the next status (the last one again and again).
fn walked(program: &Program, seed: u64, statuses: &[u16]) -> Vec<String> {
    let (world, mut shopper) = fixture::world(fixture::scenario(seed));
    let mut cursor = Cursor::new(program);
    let mut last = None;
    let mut statuses = statuses.iter().copied();
    let mut actions = Vec::new();
    while actions.len() < ACTIONS_MAX {
        let action = cursor.next(program, &world, &mut shopper, last.as_ref());
        actions.push(match action {
            Action::Send(step) => format!("send {}", step.0),
            Action::Together(steps) => format!("together {}", steps.len()),
            Action::Think(_) => "think".into(),
            Action::Left => "left".into(),
            Action::Done => "done".into(),
            Action::Stuck => "stuck".into(),
        });
        match action {
            Action::Send(_) | Action::Together(_) => last = statuses.next().map(response).or(last),
            Action::Think(_) => {}
            Action::Left | Action::Done | Action::Stuck => break,
        }
    }
    actions
}

#[test]
fn a_straight_journey_runs_to_its_end() {
    let think = Op::Think(Think::Constant(Duration::from_secs(1)));
    let program = program(
        vec![send(0), think, Op::Together(vec![StepId(1), StepId(2)])],
        0,
    );
    assert_eq!(
        walked(&program, 1, &[]),
        ["send 0", "think", "together 2", "done"]
    );
}

#[test]
fn conditions_look_at_the_last_response() {
    // send 0; when status is 401 then send 1 else send 2
    let ops = vec![
        send(0),
        Op::Unless(status_is(401), 4),
        send(1),
        Op::Jump(5),
        send(2),
    ];
    let program = program(ops, 0);
    assert_eq!(walked(&program, 1, &[401]), ["send 0", "send 1", "done"]);
    assert_eq!(walked(&program, 1, &[200]), ["send 0", "send 2", "done"]);
    assert_eq!(
        walked(&program, 1, &[]),
        ["send 0", "send 2", "done"],
        "no response passes no test"
    );
}

#[test]
fn loops_run_as_often_as_drawn() {
    // repeat 2..4: send 0
    let program = program(
        vec![Op::Repeat(0, 2, 4), Op::Next(0, 4), send(0), Op::Jump(1)],
        1,
    );
    let mut seen = [0_u32; 6];
    for seed in 0..300 {
        seen[walked(&program, seed, &[]).len() - 1] += 1;
    }
    assert_eq!((seen[0], seen[1], seen[5]), (0, 0, 0));
    assert!(seen[2..5].iter().all(|count| *count > 60), "{seen:?}");
}

#[test]
fn branches_and_departures_follow_their_weights() {
    let choose = Op::Choose(vec![(3.0, 1), (1.0, 3), (0.0, 99)]);
    let program = program(
        vec![choose, send(0), Op::Jump(4), send(1), Op::Leave(0.25)],
        0,
    );
    let walks: Vec<_> = (0..2_000).map(|seed| walked(&program, seed, &[])).collect();
    let count = |action: &str| {
        walks
            .iter()
            .filter(|walk| walk.iter().any(|step| step == action))
            .count()
    };
    assert_eq!(count("send 0") + count("send 1"), 2_000);
    assert!((430..570).contains(&count("send 1")), "{}", count("send 1"));
    assert!((430..570).contains(&count("left")), "{}", count("left"));
    assert_eq!(count("left") + count("done"), 2_000);
}

#[test]
fn variables_steer() {
    let is_two = Condition::Variable(Slot(0), Comparison::Is(Literal::Number("2".into())));
    let set = |value| Op::Set(Slot(0), Expr::Constant(Value::Int(value)));
    let program = |value| program(vec![set(value), Op::Unless(is_two.clone(), 3), send(0)], 0);
    assert_eq!(walked(&program(2), 1, &[]), ["send 0", "done"]);
    assert_eq!(walked(&program(3), 1, &[]), ["done"]);
}

#[test]
fn conditions_combine() {
    let (world, mut shopper) = fixture::world(fixture::scenario(1));
    let persona = |index| Condition::Persona(index);
    let not = |condition| Condition::Not(Box::new(condition));
    let mut holds = |condition: Condition| condition.holds(&world, &mut shopper, None);
    assert!(holds(Condition::All(vec![
        persona(0),
        not(persona(1)),
        Condition::Chance(1.0)
    ])));
    assert!(!holds(Condition::All(vec![
        persona(0),
        Condition::Chance(0.0)
    ])));
    assert!(holds(Condition::Any(vec![persona(1), persona(0)])));
    assert!(!holds(Condition::Any(Vec::new())) && holds(Condition::All(Vec::new())));
    assert!(holds(Condition::Any(vec![
        Condition::Returning,
        not(Condition::Returning)
    ])));
}

#[test]
fn outcomes_are_known_by_name() {
    let mut scenario = fixture::scenario(1);
    let outcome = Outcome {
        name: "declined".into(),
        tests: vec![],
        leave: false,
    };
    scenario.steps.push(crate::scenario::Step {
        outcomes: vec![outcome],
        ..fixture::step()
    });
    let (world, mut shopper) = fixture::world(scenario);
    let mut answer = response(402);
    let declined = Condition::Outcome("declined".into());
    assert!(!declined.holds(&world, &mut shopper, Some(&answer)));
    answer.outcome = Some((StepId(0), 0));
    assert!(declined.holds(&world, &mut shopper, Some(&answer)));
    assert!(!Condition::Outcome("other".into()).holds(&world, &mut shopper, Some(&answer)));
}

#[test]
fn a_loop_that_does_nothing_is_found_out() {
    assert_eq!(
        walked(&program(vec![send(0), Op::Jump(1)], 0), 1, &[]),
        ["send 0", "stuck"]
    );
}

#[test]
fn responses_are_kept_only_while_they_matter() {
    let think = || Op::Think(Think::Constant(Duration::ZERO));
    let at_start = |ops: Vec<Op>| {
        let program = program(ops, 1);
        Cursor::new(&program).needs_response(&program)
    };
    assert!(at_start(vec![
        think(),
        Op::Unless(status_is(200), 3),
        send(0)
    ]));
    assert!(at_start(vec![
        Op::Choose(vec![(1.0, 1), (1.0, 2)]),
        send(0),
        Op::Unless(status_is(200), 3)
    ]));
    assert!(at_start(vec![Op::Unless(
        Condition::Not(Box::new(Condition::Outcome("x".into()))),
        1
    )]));
    assert!(!at_start(vec![
        think(),
        send(0),
        Op::Unless(status_is(200), 3)
    ]));
    assert!(!at_start(vec![
        think(),
        Op::Unless(Condition::Returning, 0),
        Op::Next(0, 0)
    ]));
}

fn op() -> impl Strategy<Value = Op> {
    let place = || 0_u16..12;
    prop_oneof![
        (0_u16..3).prop_map(send),
        Just(Op::Think(Think::Exponential(Duration::from_secs(1)))),
        (0.0..1.0, place()).prop_map(|(chance, to)| Op::Unless(Condition::Chance(chance), to)),
        place().prop_map(|to| Op::Unless(status_is(200), to)),
        place().prop_map(Op::Jump),
        prop::collection::vec((0.0..2.0, place()), 0..3).prop_map(Op::Choose),
        (0_u8..3, 0_u32..3, 0_u32..5).prop_map(|(counter, from, to)| Op::Repeat(counter, from, to)),
        (0_u8..3, place()).prop_map(|(counter, to)| Op::Next(counter, to)),
        (0.0..1.0).prop_map(Op::Leave),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Any program at all, however wrong its jumps: each call returns, the walk is repeatable, and an end is an end.
    #[test]
    fn any_program_is_walked_safely(ops in prop::collection::vec(op(), 0..10), seed: u64) {
        let program = program(ops, 2);
        let walk = walked(&program, seed, &[200, 500]);
        prop_assert_eq!(&walk, &walked(&program, seed, &[200, 500]));
        let ends = walk.iter().filter(|action| ["left", "done", "stuck"].contains(&action.as_str())).count();
        prop_assert_eq!(ends, usize::from(walk.len() < ACTIONS_MAX || ends == 1));
    }

    /// After the end there is nothing.
    #[test]
    fn an_end_stays_an_end(ops in prop::collection::vec(op(), 0..6), seed: u64) {
        let (world, mut shopper) = fixture::world(fixture::scenario(seed));
        let program = program(ops, 2);
        let mut cursor = Cursor::new(&program);
        for _ in 0..ACTIONS_MAX {
            if matches!(cursor.next(&program, &world, &mut shopper, None), Action::Left | Action::Done | Action::Stuck) {
                prop_assert_eq!(cursor.next(&program, &world, &mut shopper, None), Action::Done);
                break;
            }
        }
    }
}

#[test]
fn what_a_shopper_may_send_at_once_is_seen_on_every_way() {
    let think = |ms| Op::Think(Think::Constant(Duration::from_millis(ms)));
    // send 0; perhaps leave; when status is 401 then send 1, else think a moment and send 2; think; send 3
    let ops = vec![
        send(0),
        Op::Leave(0.5),
        Op::Unless(status_is(401), 5),
        send(1),
        Op::Jump(7),
        think(1),
        send(2),
        think(500),
        send(3),
        Op::Repeat(0, 1, 2),
        Op::Next(0, 12),
        Op::Jump(7),
    ];
    let program = program(ops, 1);
    let at_once: Vec<_> = (1..=12)
        .filter(|next| program.may_send_at_once(*next))
        .collect();
    // After 0 and 3 a way leads to a request without a pause; a think time of a millisecond is none.
    assert_eq!(at_once, [1, 2, 3, 5, 6, 8]);
}
