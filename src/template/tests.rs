//! Rendering with every kind of value.

use super::*;
use crate::shopper::fixture;

fn template(parts: Vec<Part>) -> Template {
    Template { parts }
}

fn value(expr: Expr, encoding: Encoding) -> Part {
    Part::Value(expr, encoding)
}

fn generated(generator: Generator) -> Expr {
    Expr::Generated(generator)
}

#[test]
fn holes_are_filled_in_their_encoding() {
    let (world, mut shopper) = fixture::world(fixture::scenario(1));
    shopper.set_variable(Slot(0), Value::Text("a \"b\"/c".into()));
    let variable = || Expr::Variable(Slot(0));
    let rendered = template(vec![
        Part::Text("/s?q=".into()),
        value(variable(), Encoding::Uri),
        Part::Text(" {\"q\":\"x ".into()),
        value(variable(), Encoding::JsonText),
        Part::Text("\",\"n\":".into()),
        value(Expr::Constant(Value::Int(3)), Encoding::JsonValue),
        Part::Text("} ".into()),
        value(Expr::Feeder(0, 0), Encoding::Raw),
        value(Expr::Variable(Slot(3)), Encoding::Raw),
        value(Expr::Feeder(9, 9), Encoding::JsonValue),
    ])
    .render_text(&world, &mut shopper);
    assert_eq!(
        rendered,
        r#"/s?q=a%20%22b%22%2Fc {"q":"x a \"b\"/c","n":3} adanull"#
    );
}

#[test]
fn composed_text_is_encoded_as_a_whole() {
    let (world, mut shopper) = fixture::world(fixture::scenario(1));
    let inner = template(vec![
        Part::Text("n&".into()),
        value(generated(Generator::Shopper), Encoding::Raw),
    ]);
    let outer = template(vec![value(Expr::Text(Box::new(inner)), Encoding::Uri)]);
    assert_eq!(outer.render_text(&world, &mut shopper), "n%260");
}

#[test]
fn every_generator_makes_a_value() {
    let (world, mut shopper) = fixture::world(fixture::scenario(1));
    let generators = [
        Generator::Person(PersonField::Name),
        Generator::Card(CardField::Number),
        Generator::Uuid,
        Generator::Int(1, 5),
        Generator::Pick(vec!["x".into(), "y".into()]),
        Generator::Popular(0),
        Generator::Word,
        Generator::Basket,
        Generator::Shopper,
        Generator::Session,
        Generator::Persona,
        Generator::Device,
        Generator::Browser,
        Generator::Country,
        Generator::Seed,
    ];
    for generator in generators {
        let expr = generated(generator);
        assert!(expr.evaluate(&world, &mut shopper).is_set(), "{expr:?}");
        let json =
            template(vec![value(expr, Encoding::JsonValue)]).render_text(&world, &mut shopper);
        assert!(
            serde_json::from_str::<serde_json::Value>(&json).is_ok(),
            "{json}"
        );
    }
    assert!(
        !generated(Generator::Popular(7))
            .evaluate(&world, &mut shopper)
            .is_set()
    );
    assert!(
        !generated(Generator::Pick(Vec::new()))
            .evaluate(&world, &mut shopper)
            .is_set()
    );
}

#[test]
fn lasting_values_stay_and_fresh_ones_change() {
    let (world, mut shopper) = fixture::world(fixture::scenario(1));
    let mut twice = |generator: Generator| {
        let expr = generated(generator);
        expr.evaluate(&world, &mut shopper) == expr.evaluate(&world, &mut shopper)
    };
    assert!(
        twice(Generator::Person(PersonField::Email)) && twice(Generator::Card(CardField::Number))
    );
    assert!(twice(Generator::Basket) && twice(Generator::Session));
    assert!(!twice(Generator::Uuid) && !twice(Generator::Int(0, i64::MAX)));
}

#[test]
fn large_seeds_are_written_in_full() {
    let (world, mut shopper) = fixture::world(fixture::scenario(u64::MAX));
    let seed = template(vec![value(generated(Generator::Seed), Encoding::Raw)]);
    assert_eq!(seed.render_text(&world, &mut shopper), u64::MAX.to_string());
}

/// Golden values: a change here changes the requests of every recorded run.
#[test]
fn the_same_seed_says_the_same_for_ever() {
    let (world, mut shopper) = fixture::world(fixture::scenario(20_261_120));
    let parts = [
        generated(Generator::Person(PersonField::Email)),
        generated(Generator::Session),
        generated(Generator::Uuid),
        generated(Generator::Int(0, 999)),
        generated(Generator::Popular(0)),
        generated(Generator::Word),
        generated(Generator::Card(CardField::Number)),
    ];
    let line = parts
        .map(|expr| expr.scalar(&world, &mut shopper).to_text().into_owned())
        .join(" ");
    assert_eq!(
        line,
        "larissa.feeney.s20261120n0@shopper.example 51ed4d01-056b-4d9f-8075-a63a556ef9aa \
         dd178eaf-a7de-4210-b43c-9e59f6855400 634 4 linen 5555555555554444"
    );
}
