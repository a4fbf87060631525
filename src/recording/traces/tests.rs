use proptest::prelude::*;

use super::*;
use crate::recording::signal::Span;

fn span(trace: u8, id: u8, parent: Option<u8>) -> Span {
    Span {
        trace: [trace; 16],
        id: [id; 8],
        parent: parent.map(|id| [id; 8]),
        service: "cart".to_owned(),
        name: "GET /".to_owned(),
        kind: "internal",
        start_us: i64::from(id),
        duration_us: 10,
        failed: false,
        attributes: serde_json::Map::new(),
        links: Vec::new(),
    }
}

fn keeper() -> TraceKeeper {
    TraceKeeper::new(1, Drops::default())
}

/// The ids of those kept, with the reasons.
fn kept(judged: Judged) -> Vec<(u8, Why)> {
    let kept = judged.kept.into_iter();
    let mut all: Vec<(u8, Why)> = kept
        .map(|kept| (kept.spans[0].trace[0], kept.why))
        .collect();
    all.sort_by_key(|(id, _)| *id);
    all
}

#[test]
fn the_failed_and_the_slowest_are_kept_and_nothing_twice() {
    let mut keeper = keeper();
    for trace in 1..=200 {
        let failed = trace == 77;
        let duration_us = if trace > 195 {
            1_000_000 + i64::from(trace)
        } else {
            10
        };
        keeper.take(
            Span {
                failed,
                duration_us,
                ..span(trace, 1, None)
            },
            0,
        );
    }
    assert_eq!(keeper.tick(QUIET_S), Judged::default());
    let kept = kept(keeper.tick(QUIET_S + 60));
    assert!(kept.contains(&(77, Why::Failed)), "{kept:?}");
    for slow in [198, 199, 200] {
        assert!(kept.contains(&(slow, Why::Slow)), "{kept:?}");
    }
    let drawn = kept.iter().filter(|(_, why)| *why == Why::Draw).count();
    assert!((16..=minute::DRAWN_MAX).contains(&drawn), "{kept:?}");
    let ids: HashSet<u8> = kept.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), kept.len());
    assert_eq!(
        keeper.counts(),
        TraceCounts {
            seen: 200,
            kept: kept.len() as u64
        }
    );
}

#[test]
fn a_trace_waits_for_a_parent_in_the_same_process() {
    let mut keeper = keeper();
    keeper.take(span(1, 2, Some(1)), 0);
    keeper.tick(30);
    keeper.take(
        Span {
            duration_us: 30_000_000,
            ..span(1, 1, None)
        },
        31,
    );
    let judged = keeper.finish();
    assert_eq!(judged.kept.len(), 1);
    assert_eq!(judged.kept[0].root.duration_us, 30_000_000);
    assert_eq!(judged.kept[0].spans.len(), 2);
}

#[test]
fn what_comes_late_joins_a_trace_that_has_a_place_or_is_written() {
    let mut keeper = keeper();
    keeper.take(span(1, 1, None), 0);
    keeper.tick(10);
    keeper.take(span(1, 2, Some(1)), 11);
    let judged = keeper.tick(100);
    assert_eq!(judged.kept[0].spans.len(), 2);
    keeper.take(span(1, 3, Some(2)), 101);
    let judged = keeper.tick(102);
    assert_eq!(judged.late, [span(1, 3, Some(2))]);
    assert_eq!(keeper.counts(), TraceCounts { seen: 1, kept: 1 });
}

#[test]
fn the_rest_of_a_forgotten_trace_is_kept_for_a_failure_alone() {
    let mut keeper = keeper();
    for trace in 0..=255 {
        keeper.take(span(trace, 1, None), 0);
    }
    keeper.tick(QUIET_S);
    let forgotten = (0..=255_u8).filter(|id| keeper.forgotten.has(&[*id; 16]));
    let forgotten: Vec<u8> = forgotten.collect();
    assert!(forgotten.len() > 200);
    keeper.take(
        Span {
            duration_us: 99_999,
            ..span(forgotten[0], 2, Some(1))
        },
        6,
    );
    keeper.take(
        Span {
            failed: true,
            ..span(forgotten[1], 2, Some(1))
        },
        6,
    );
    let kept = kept(keeper.finish());
    assert!(!kept.iter().any(|(id, _)| *id == forgotten[0]), "{kept:?}");
    assert!(kept.contains(&(forgotten[1], Why::Failed)), "{kept:?}");
}

#[test]
fn an_endless_trace_is_cut_and_counted() {
    let drops = Drops::default();
    let mut keeper = TraceKeeper::new(1, drops.clone());
    for _ in 0..SPANS_MAX + 5 {
        keeper.take(span(1, 1, None), 0);
    }
    assert_eq!(keeper.finish().kept[0].spans.len(), SPANS_MAX);
    assert_eq!(drops.counted()["spans"], 5);
}

#[test]
fn memory_is_bounded_whatever_arrives() {
    let mut keeper = keeper();
    let large = "x".repeat(2_000);
    for number in 0..60_000_u32 {
        let mut big = span(0, 1, None);
        big.trace[..4].copy_from_slice(&number.to_be_bytes());
        big.attributes
            .insert("text".to_owned(), large.clone().into());
        keeper.take(big, 0);
        assert!(keeper.open_weight <= OPEN_BYTES_MAX && keeper.held_weight <= HELD_BYTES_MAX);
    }
}

proptest! {
    /// Whatever comes in whatever order: no trace is written twice, and none has more spans than arrived.
    #[test]
    fn nothing_is_written_twice(arrivals in proptest::collection::vec((0_u8..12, 0_u8..6, any::<bool>(), 0_i64..40), 1..200)) {
        let mut keeper = keeper();
        let (mut now_s, mut written, mut spans) = (0, HashSet::new(), 0);
        let arrived = arrivals.len();
        let mut see = |judged: Judged| {
            for kept in &judged.kept {
                assert!(written.insert(kept.spans[0].trace));
                spans += kept.spans.len();
            }
            spans += judged.late.len();
        };
        for (trace, id, failed, pause_s) in arrivals {
            now_s += pause_s;
            keeper.take(Span { failed, ..span(trace, id, (id > 0).then(|| id - 1)) }, now_s);
            see(keeper.tick(now_s));
        }
        see(keeper.finish());
        prop_assert!(spans <= arrived);
        prop_assert_eq!(keeper.held_weight, 0);
        prop_assert_eq!(keeper.open_weight, 0);
    }
}

#[test]
fn a_rest_without_its_beginning_is_no_trace_of_its_own() {
    let mut keeper = keeper();
    keeper.take(span(1, 1, Some(9)), 0);
    keeper.take(
        Span {
            failed: true,
            ..span(2, 1, Some(9))
        },
        0,
    );
    // A server's parent may be a browser.
    keeper.take(
        Span {
            kind: "server",
            ..span(3, 1, Some(9))
        },
        0,
    );
    let kept: Vec<u8> = kept(keeper.finish())
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    assert_eq!(kept, [2, 3]);
}
