//! `top(q, n, 'mean', 'desc')` and its short forms: the series that rank first over the window.

use super::{Applied, Arguments, Function};
use crate::evaluate::frame::Group;

pub(super) const FUNCTION: Function = Function {
    names: &[
        "top", "top5", "top10", "top15", "top20", "bottom", "bottom5", "bottom10", "bottom15",
        "bottom20",
    ],
    read: |arguments| {
        let name = arguments.name();
        let short = name.trim_start_matches("top").trim_start_matches("bottom");
        let is_top = name.starts_with("top");
        let (count, by, is_descending) = match short.parse() {
            Ok(count) => {
                arguments.exactly(1, &format!("{name}(query)"))?;
                (count, mean as By, is_top)
            }
            Err(_) => long(arguments)?,
        };
        Ok(Applied::Groups {
            ungroups: false,
            apply: Box::new(move |_, groups| ranked(groups, count, by, is_descending)),
        })
    },
};

type By = fn(&Group) -> f64;

fn long(arguments: &Arguments<'_>) -> Result<(usize, By, bool), String> {
    arguments.exactly(4, "top(query, 10, 'mean', 'desc')")?;
    let count = arguments.whole(1, 1, 1_000)?;
    let by: By = match arguments.text(2)? {
        "max" => |group| group.present().fold(f64::NEG_INFINITY, f64::max),
        "min" => |group| group.present().fold(f64::INFINITY, f64::min),
        "mean" => mean,
        "sum" | "area" => |group| group.present().sum(),
        "last" => |group| group.present().next_back().unwrap_or(f64::NAN),
        "l2norm" => |group| {
            group
                .present()
                .map(|value| value * value)
                .sum::<f64>()
                .sqrt()
        },
        _ => return Err("it ranks by max, mean, min, sum, last, l2norm or area".to_owned()),
    };
    let is_descending = match arguments.text(3)? {
        "desc" => true,
        "asc" => false,
        _ => return Err("its argument 4 is 'asc' or 'desc'".to_owned()),
    };
    Ok((usize::try_from(count).unwrap_or(1), by, is_descending))
}

fn mean(group: &Group) -> f64 {
    group.present().sum::<f64>() / group.present().count() as f64
}

fn ranked(groups: Vec<Group>, count: usize, by: By, is_descending: bool) -> Vec<Group> {
    let with_data = groups
        .into_iter()
        .filter(|group| group.present().count() > 0);
    let mut ranks: Vec<(f64, Group)> = with_data.map(|group| (by(&group), group)).collect();
    ranks.sort_by(|a, b| match is_descending {
        true => b.0.total_cmp(&a.0),
        false => a.0.total_cmp(&b.0),
    });
    ranks.truncate(count);
    ranks.into_iter().map(|(_, group)| group).collect()
}
