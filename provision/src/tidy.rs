//! The usual form of definition files: the fields of each definition in the order of the documentation, no trailing
//! white space, one line end at the end. Values and comments stay as they are. Pure.

use checked_yaml::{Document, Kind, Node, Problems};

/// The order in which fields are read, by section. Fields that are not listed come last, in the order of the file.
const SECTIONS: &[(&str, &[&str])] = &[
    (
        "monitors",
        &[
            "name",
            "type",
            "query",
            "priority",
            "severity",
            "team",
            "service",
            "runbook",
            "dashboard",
            "tags",
            "adopt",
            "waive",
            "thresholds",
            "options",
            "message",
        ],
    ),
    (
        "slos",
        &[
            "name",
            "type",
            "description",
            "team",
            "service",
            "tags",
            "adopt",
            "waive",
            "query",
            "sli_specification",
            "monitor_ids",
            "groups",
            "thresholds",
        ],
    ),
    (
        "dashboards",
        &[
            "title",
            "description",
            "team",
            "tags",
            "adopt",
            "waive",
            "layout_type",
            "reflow_type",
            "notify_list",
            "template_variables",
            "template_variable_presets",
            "tabs",
            "widgets",
        ],
    ),
];

/// A file in its usual form. A file that this would not leave with the same values is given back as it is.
///
/// # Errors
///
/// When it is no YAML.
pub fn tidy(name: &str, text: &str) -> Result<String, Problems> {
    let ended = format!("{}\n", text.trim_end_matches('\n'));
    let document = Document::parse(name, &ended)?;
    let tidied = trimmed(&reordered(&document, &ended));
    let same = Document::parse(name, &tidied)
        .is_ok_and(|after| same_values(document.root(), after.root()));
    Ok(if same { tidied } else { text.to_owned() })
}

/// Moves the lines of fields, with the comments above them, definition by definition.
fn reordered(document: &Document, text: &str) -> String {
    let mut out = text.to_owned();
    let sections = SECTIONS.iter();
    let sections = sections.filter_map(|(name, order)| Some((document.root().get(name)?, *order)));
    let definitions = sections
        .flat_map(|(section, order)| children(section).into_iter().map(move |node| (node, order)));
    // From the end, so that offsets of what is still to come stay right: every move keeps the length.
    let mut moves: Vec<(usize, String)> = definitions
        .filter_map(|(definition, order)| moved(definition, order, text))
        .collect();
    moves.sort_by_key(|(start, _)| std::cmp::Reverse(*start));
    for (start, lines) in moves {
        out.replace_range(start..start + lines.len(), &lines);
    }
    out
}

fn children(node: &Node) -> Vec<&Node> {
    match &node.kind {
        Kind::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
        _ => Vec::new(),
    }
}

/// Where a definition's fields begin, and their lines in the usual order; nothing for one in flow style.
fn moved(definition: &Node, order: &[&str], text: &str) -> Option<(usize, String)> {
    let Kind::Map(entries) = &definition.kind else {
        return None;
    };
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |end| end + 1);
    let starts: Vec<usize> = entries
        .iter()
        .map(|entry| line_start(entry.key_span.range().start))
        .collect();
    let block = entries.iter().zip(&starts).all(|(entry, start)| {
        text[*start..entry.key_span.range().start]
            .chars()
            .all(|c| c == ' ')
    });
    let distinct = starts.windows(2).all(|pair| pair[0] < pair[1]);
    let (first, last) = (starts.first().copied()?, entries.last()?);
    if !block || !distinct {
        return None;
    }
    let indent = last.key_span.range().start - starts.last()?;
    let end = end_of(text, *starts.last()?, indent);
    let cuts: Vec<usize> = std::iter::once(first)
        .chain(
            starts
                .iter()
                .skip(1)
                .map(|start| with_comments(text, *start, indent)),
        )
        .chain([end])
        .collect();
    let mut pieces: Vec<(usize, &str)> = entries
        .iter()
        .zip(cuts.windows(2))
        .map(|(entry, cut)| (rank(order, &entry.key), &text[cut[0]..cut[1]]))
        .collect();
    if !pieces.iter().all(|(_, piece)| piece.ends_with('\n')) {
        return None;
    }
    pieces.sort_by_key(|(rank, _)| *rank);
    Some((first, pieces.into_iter().map(|(_, piece)| piece).collect()))
}

fn rank(order: &[&str], field: &str) -> usize {
    order
        .iter()
        .position(|known| *known == field)
        .unwrap_or(order.len())
}

/// The start of the comment lines directly above a field, if they are indented like it.
fn with_comments(text: &str, start: usize, indent: usize) -> usize {
    let mut at = start;
    while at > 0 {
        let above = text[..at - 1].rfind('\n').map_or(0, |end| end + 1);
        let line = &text[above..at - 1];
        let own = line.len() - line.trim_start().len();
        if !line.trim_start().starts_with('#') || own != indent {
            break;
        }
        at = above;
    }
    at
}

/// The end of the last field: before the first line that is not indented deeper, blank lines left behind it.
fn end_of(text: &str, start: usize, indent: usize) -> usize {
    let mut at = start;
    let mut end = text.len();
    for (number, line) in text[start..].split_inclusive('\n').enumerate() {
        let content = line.trim();
        let own = line.len() - line.trim_start().len();
        if number > 0 && !content.is_empty() && own <= indent {
            end = at;
            break;
        }
        at += line.len();
    }
    let last = start + text[start..end].trim_end_matches(['\n', ' ']).len();
    text[last..end]
        .find('\n')
        .map_or(end, |line_end| last + line_end + 1)
}

fn trimmed(text: &str) -> String {
    let mut out: String = text
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    let kept = out.trim_end_matches('\n').len();
    out.truncate(kept);
    out.push('\n');
    out
}

fn same_values(before: &Node, after: &Node) -> bool {
    match (&before.kind, &after.kind) {
        (Kind::Map(old), Kind::Map(new)) => {
            old.len() == new.len()
                && old.iter().all(|entry| {
                    after
                        .get(&entry.key)
                        .is_some_and(|value| same_values(&entry.value, value))
                })
        }
        (Kind::List(old), Kind::List(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same_values(old, new))
        }
        (Kind::Text(old, _), Kind::Text(new, _)) => old == new,
        (old, new) => old == new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(text: &str) -> String {
        tidy("t.yaml", text).unwrap_or_else(|problems| panic!("{}", problems.summary()))
    }

    #[test]
    fn fields_move_with_their_comments_and_nothing_else_changes() {
        let text = "monitors:\n  # the first\n  a:\n    message: |\n      x\n\n      y\n    # why this query\n    query: \
                    q   \n    name: n\n\n  b: { query: q, name: n }\n# end\n\n\n";
        let wanted = "monitors:\n  # the first\n  a:\n    name: n\n    # why this query\n    query: q\n    message: |\n      \
                      x\n\n      y\n\n  b: { query: q, name: n }\n# end\n";
        assert_eq!(tidied(text), wanted);
        assert_eq!(tidied(wanted), wanted);
    }

    #[test]
    fn white_space_that_means_something_stays() {
        let text = "monitors:\n  a:\n    name: n\n    message: |\n      x  \n      y\n";
        assert_eq!(tidied(text), text);
    }
}
