//! What several rules on alerts about SLOs need: the SLO and the time frame that an alert is about. Must not know any of
//! the rules.

use super::view::Everything;
use crate::definition::{Slo, Timeframe};
use crate::query::tree::{Reference, SloAlert, span};
use crate::set::item::Definition;

const DAY: u64 = 24 * 3600;

pub(super) fn slo_of<'a>(alert: &SloAlert, everything: &Everything<'a>) -> Option<&'a Slo> {
    let Reference::Key(name) = &alert.slo else {
        return None;
    };
    everything
        .items
        .iter()
        .filter(|item| item.name() == name)
        .find_map(|item| match &item.definition {
            Definition::Slo(slo) => Some(&**slo),
            _ => None,
        })
}

pub(super) fn timeframe(alert: &SloAlert) -> Option<Timeframe> {
    match span(&alert.chain, "over")?.seconds() / DAY {
        7 => Some(Timeframe::SevenDays),
        30 => Some(Timeframe::ThirtyDays),
        90 => Some(Timeframe::NinetyDays),
        _ => None,
    }
}
