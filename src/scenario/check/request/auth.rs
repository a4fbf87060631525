//! `auth`: basic and bearer authorization.

use checked_yaml::Place;

use crate::scenario::check::report::Report;
use crate::scenario::check::template::Meaning;
use crate::scenario::file::{AuthShape, BasicShape};
use crate::scenario::reaching;
use crate::template::{Call, Encoding, Expr, Function, Part, Template};

/// The value of the header `authorization`.
pub(in crate::scenario::check) fn authorization(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &AuthShape,
    place: &Place,
) -> Option<Template> {
    match (&shape.basic, &shape.bearer) {
        (Some(shape), None) => basic(report, meaning, shape, &place.key("basic")),
        (None, Some(token)) => {
            let place = place.key("bearer");
            let token = report.text_of(token, &place);
            learn(meaning, &token);
            let token = report.take(&place, meaning.template(&token, Encoding::Raw))?;
            Some(joined("Bearer ", token))
        }
        _ => {
            let problem = report.at_key(place, "an authorization is either `basic` or `bearer`");
            report.add(problem.label("give one of them").help(
                "for example `auth: { basic: { user: me, password: \"${env.PASSWORD}\" } }`",
            ));
            None
        }
    }
}

fn basic(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &BasicShape,
    place: &Place,
) -> Option<Template> {
    let user = report.text_of(&shape.user, &place.key("user"));
    let password = report.text_of(&shape.password, &place.key("password"));
    if user.contains(':') {
        let problem = report.at(
            &place.key("user"),
            "a user name cannot hold a colon (RFC 7617)",
        );
        report.add(problem.label("ends at the first colon"));
    }
    learn(meaning, &password);
    let user = report.take(&place.key("user"), meaning.template(&user, Encoding::Raw));
    let password = report.take(
        &place.key("password"),
        meaning.template(&password, Encoding::Raw),
    );
    let mut pair = user?;
    pair.parts.push(Part::Text(":".into()));
    pair.parts.extend(password?.parts);
    let constant: Option<String> = pair
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => Some(text.as_ref()),
            Part::Value(..) => None,
        })
        .collect();
    Some(match constant {
        Some(pair) => Template::text(&reaching::basic(&pair)),
        None => joined(
            "Basic ",
            Template {
                parts: vec![Part::Value(base64(pair), Encoding::Raw)],
            },
        ),
    })
}

fn base64(text: Template) -> Expr {
    Expr::Call(Box::new(Call {
        function: Function::Base64,
        arguments: vec![Expr::Text(Box::new(text))],
    }))
}

/// What stands in the file itself is a secret wherever else it stands.
fn learn(meaning: Meaning<'_>, text: &str) {
    if !text.contains("${") {
        meaning.names.learn_secret(text);
    }
}

fn joined(first: &str, mut rest: Template) -> Template {
    rest.parts.insert(0, Part::Text(first.into()));
    // One text, if that is all: it is made once then.
    if let [Part::Text(one), Part::Text(two)] = rest.parts.as_slice() {
        return Template::text(&format!("{one}{two}"));
    }
    rest
}
