//! From a compiled text and a shopper to bytes.
//!
//! PURE, and on the hot path: nothing is allocated but what `out` grows by, save for texts composed of others.

use std::borrow::Cow;

use super::value::Scalar;
use super::{Call, Expr, Generator, Part, TEXT_BYTES_MAX, Template, Value};
use crate::shopper::{ScenarioData, Shopper};

impl Template {
    /// A template without holes.
    pub fn text(text: &str) -> Self {
        Self {
            parts: vec![Part::Text(text.into())],
        }
    }

    /// Appends the text with this shopper's values in its holes; no further once it is longer than [`TEXT_BYTES_MAX`], which
    /// the shopper then knows.
    pub fn render(&self, world: &ScenarioData, shopper: &mut Shopper, out: &mut Vec<u8>) {
        for part in &self.parts {
            if out.len() > TEXT_BYTES_MAX {
                return shopper.note_too_large();
            }
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Value(expr, encoding) => expr.scalar(world, shopper).write(*encoding, out),
            }
        }
        if out.len() > TEXT_BYTES_MAX {
            shopper.note_too_large();
        }
    }

    /// The rendered text by itself.
    pub fn render_text(&self, world: &ScenarioData, shopper: &mut Shopper) -> String {
        let mut out = Vec::new();
        self.render(world, shopper, &mut out);
        // All parts are valid UTF-8 and so is their sequence; the lossy form never replaces anything.
        String::from_utf8(out)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

impl Expr {
    /// The value, to keep.
    pub fn evaluate(&self, world: &ScenarioData, shopper: &mut Shopper) -> Value {
        self.scalar(world, shopper).into_value()
    }

    /// The value, borrowed where possible. Generated values draw from the shopper's random numbers.
    pub fn scalar<'a>(&'a self, world: &'a ScenarioData, shopper: &'a mut Shopper) -> Scalar<'a> {
        match self {
            Self::Constant(value) => value.as_scalar(),
            Self::Variable(slot) => shopper.variable(*slot).as_scalar(),
            Self::Feeder(feeder, column) => {
                let value = world.feeder_value(*feeder, *column, shopper.index());
                value.unwrap_or(Scalar::Unset)
            }
            Self::Generated(generator) => generator.scalar(world, shopper),
            Self::Text(template) => Scalar::Text(Cow::Owned(template.render_text(world, shopper))),
            Self::Call(call) => call.scalar(world, shopper),
        }
    }
}

impl Call {
    /// What comes out; unset if it, or what goes in, is longer than [`TEXT_BYTES_MAX`], which the shopper then knows.
    fn scalar(&self, world: &ScenarioData, shopper: &mut Shopper) -> Scalar<'static> {
        let arguments = self.arguments.iter();
        let texts: Vec<String> = arguments
            .map(|argument| argument.scalar(world, shopper).to_text().into_owned())
            .collect();
        let fits = texts.iter().map(String::len).sum::<usize>() <= TEXT_BYTES_MAX;
        let made = fits.then(|| self.function.apply(&texts));
        let Some(made) = made.filter(|made| made.len() <= TEXT_BYTES_MAX) else {
            shopper.note_too_large();
            return Scalar::Unset;
        };
        if world.scenario().secrets.are_in(self) {
            shopper.note_derived(&made);
        }
        Scalar::Text(Cow::Owned(made))
    }
}

impl Generator {
    fn scalar<'a>(&'a self, world: &'a ScenarioData, shopper: &'a mut Shopper) -> Scalar<'a> {
        match self {
            Self::Person(field) => Scalar::Text(shopper.person(world).field(*field)),
            Self::Card(field) => shopper.card(world).field(*field),
            Self::Uuid => Scalar::Uuid(shopper.new_uuid()),
            Self::Int(from, to) => Scalar::Int(shopper.data().between(*from, *to)),
            Self::Pick(texts) => match texts.get(shopper.data().below(texts.len() as u64) as usize)
            {
                Some(text) => Scalar::text(text),
                None => Scalar::Unset,
            },
            Self::Popular(index) => match world.popularity(*index) {
                Some(sampler) => Scalar::Int(sampler.draw(shopper.data()) as i64),
                None => Scalar::Unset,
            },
            Self::Word => Scalar::text(world.word(shopper.data())),
            Self::Basket => Scalar::Int(i64::from(shopper.basket())),
            Self::Shopper => Scalar::Int(shopper.index() as i64),
            Self::Session => Scalar::Uuid(shopper.session()),
            Self::Persona => Scalar::text(&world.persona(shopper).name),
            Self::Device => Scalar::text(shopper.device(world)),
            Self::Browser => Scalar::text(shopper.browser(world)),
            Self::Country => Scalar::text(shopper.country(world)),
            Self::RunId => Scalar::text(world.run_id()),
            Self::Seed => match i64::try_from(world.seed()) {
                Ok(seed) => Scalar::Int(seed),
                Err(_) => Scalar::Text(Cow::Owned(world.seed().to_string())),
            },
            Self::Now(now) => now.at(world.now()),
        }
    }
}
