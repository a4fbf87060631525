//! Who a shopper is: everything that follows from its number and the scenario's seed, and what it has learnt so far.
//!
//! PURE. A [`ScenarioData`] is what all shoppers share and is never changed; a [`Shopper`] is small, as thousands of them wait
//! at the same time. Must not know: where the shopper is in its journey, connections, clocks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::RngCore;
use time::OffsetDateTime;
use uuid::{Builder, Uuid};

use crate::data::{Card, Client, Person, Sampler, Words};
use crate::rng::ShopperRng;
use crate::scenario::{Persona, Scenario};
use crate::template::{Scalar, Slot, VALUE_BYTES_MAX, Value};

/// Most text that one shopper keeps in all its variables, bytes: thousands of shoppers wait at the same time.
const VARIABLES_BYTES_MAX: usize = 4 << 20;

/// Most texts made of secrets that one shopper remembers; the oldest go first.
const DERIVED_MAX: usize = 64;

/// Longest of them, bytes. What is longer is no digest, and an encoding is found by what it encodes.
const DERIVED_BYTES_MAX: usize = 4 << 10;

/// Tells the time of day, in UTC.
pub type Clock = fn() -> OffsetDateTime;

/// What all shoppers share: the scenario and what was prepared from it once.
#[derive(Debug)]
pub struct ScenarioData {
    scenario: Arc<Scenario>,
    clock: Clock,
    popularity: Vec<Sampler>,
    words: Words,
    /// The run id's key.
    run: u64,
    /// What every shopper knows when it arrives.
    prepared: Vec<(Slot, Value)>,
}

/// One shopper: identity, variables and random numbers. Everything follows from (seed, index), keys also from the run's id.
#[derive(Clone)]
pub struct Shopper {
    index: u64,
    session: Uuid,
    person: Option<Box<Person>>,
    variables: Box<[Value]>,
    /// Bytes of text in all variables.
    variable_bytes: usize,
    /// Whether a value outgrew its bound since someone asked.
    too_large: bool,
    /// Texts that were made of secrets.
    derived: Vec<Box<str>>,
    walk: ShopperRng,
    data: ShopperRng,
    ids: ShopperRng,
    basket: u32,
    persona: u16,
    journey: u16,
    device: u16,
    browser: u16,
    country: u16,
    returning: bool,
    declined: bool,
}

/// A feeder had no row left for a shopper; its journey is dropped with the reason `feeder_exhausted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("feeder number {feeder} has no row left for shopper {shopper}")]
pub struct FeederExhausted {
    /// Index into [`Scenario::feeders`].
    pub feeder: usize,
    /// The shopper's number.
    pub shopper: u64,
}

impl ScenarioData {
    /// Prepares what the shoppers of this scenario share. The clock is asked for `${now}` and for nothing else.
    pub fn new(scenario: Arc<Scenario>, clock: Clock) -> Self {
        let seed = scenario.seed;
        let popularity = scenario
            .popularity
            .iter()
            .map(|popularity| Sampler::new(popularity, seed))
            .collect();
        Self {
            clock,
            popularity,
            words: Words::new(),
            run: scenario.run_id.key(),
            prepared: Vec::new(),
            scenario,
        }
    }

    /// With variables that were set before the load: every shopper arrives with them. They take the place of what the file's
    /// `variables` say; what a persona sets by itself takes theirs.
    pub fn with_prepared(self, prepared: Vec<(Slot, Value)>) -> Self {
        Self { prepared, ..self }
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What of the run's id goes into values that must be unique.
    pub fn run_key(&self) -> u64 {
        self.run
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.scenario.seed
    }

    /// The time of day.
    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }

    /// The run's id; empty in a preview.
    pub fn run_id(&self) -> &str {
        self.scenario.run_id.as_str()
    }

    /// A session's id. It is the last thing drawn of who a shopper is, so that the run's id changes nothing else.
    fn session(&self, identity: &mut ShopperRng, index: u64) -> Uuid {
        match self.run {
            0 => random_uuid(identity),
            _ => random_uuid(&mut self.keys("session", index)),
        }
    }

    /// Random numbers for what must be unique, among runs with the same seed too.
    fn keys(&self, stream: &str, index: u64) -> ShopperRng {
        ShopperRng::of_run(self.seed(), self.run, stream, index)
    }

    /// The persona of this shopper.
    pub fn persona(&self, shopper: &Shopper) -> &Persona {
        // A scenario has at least one persona, and the shopper was drawn from them.
        &self.scenario.personas[usize::from(shopper.persona)]
    }

    /// Whether the load is over when shopper `index` would arrive: a feeder that ends it has no row left.
    pub(crate) fn is_over_at(&self, index: u64) -> bool {
        let mut feeders = self.scenario.feeders.iter();
        feeders.any(|feeder| feeder.ends_before(self.seed(), index))
    }

    pub(crate) fn popularity(&self, index: u16) -> Option<&Sampler> {
        self.popularity.get(usize::from(index))
    }

    pub(crate) fn word(&self, rng: &mut ShopperRng) -> &'static str {
        self.words.draw(rng)
    }

    pub(crate) fn feeder_value(
        &self,
        feeder: u16,
        column: u16,
        shopper: u64,
    ) -> Option<Scalar<'_>> {
        let row = self
            .scenario
            .feeders
            .get(usize::from(feeder))?
            .row(self.seed(), shopper)?;
        row.get(usize::from(column)).map(Value::as_scalar)
    }
}

impl Shopper {
    /// Shopper number `index` as it arrives, its persona's variables set.
    ///
    /// # Errors
    ///
    /// If one of the scenario's feeders that must not begin again has no row left.
    pub fn arrive(world: &ScenarioData, index: u64) -> Result<Self, FeederExhausted> {
        let feeders = &world.scenario.feeders;
        if let Some(feeder) = feeders
            .iter()
            .position(|feeder| feeder.row(world.seed(), index).is_none())
        {
            return Err(FeederExhausted {
                feeder,
                shopper: index,
            });
        }
        let mut shopper = Self::identified(world, index);
        for (slot, value) in &world.prepared {
            shopper.set_variable(*slot, value.clone());
        }
        let persona = world.persona(&shopper);
        let prepared = |slot: &Slot| world.prepared.iter().any(|(known, _)| known == slot);
        let defaults = persona.defaults.iter().filter(|(slot, _)| !prepared(slot));
        for (slot, expr) in defaults.chain(&persona.set) {
            let value = expr.evaluate(world, &mut shopper);
            shopper.set_variable(*slot, value);
        }
        Ok(shopper)
    }

    /// The shopper that sets the stage before the load: the first one, but with ids of its own.
    ///
    /// # Errors
    ///
    /// As for [`arrive`](Self::arrive).
    pub fn before_the_load(world: &ScenarioData) -> Result<Self, FeederExhausted> {
        let mut ids = world.keys("prepare", 0);
        Ok(Self {
            session: random_uuid(&mut ids),
            ids,
            ..Self::arrive(world, 0)?
        })
    }

    /// Draws who the shopper is, always in the same order.
    fn identified(world: &ScenarioData, index: u64) -> Self {
        let (scenario, seed) = (&world.scenario, world.seed());
        let mut identity = ShopperRng::new(seed, "identity", index);
        let persona = pick(
            &mut identity,
            scenario.personas.iter().map(|persona| persona.weight),
        );
        let kind = &scenario.personas[usize::from(persona)];
        Self {
            index,
            persona,
            journey: pick(&mut identity, kind.journeys.iter().copied()),
            device: pick(
                &mut identity,
                kind.devices.iter().map(|(_, weight)| *weight),
            ),
            browser: pick(
                &mut identity,
                kind.browsers.iter().map(|(_, weight)| *weight),
            ),
            country: pick(
                &mut identity,
                kind.countries.iter().map(|(_, weight)| *weight),
            ),
            returning: identity.chance(kind.returning),
            declined: identity.chance(kind.declined_cards),
            basket: identity.between(kind.basket.0.into(), kind.basket.1.into()) as u32,
            session: world.session(&mut identity, index),
            person: None,
            variables: vec![Value::Unset; scenario.variables.len()].into(),
            variable_bytes: 0,
            too_large: false,
            derived: Vec::new(),
            walk: ShopperRng::new(seed, "walk", index),
            data: ShopperRng::new(seed, "data", index),
            ids: world.keys("ids", index),
        }
    }

    /// The shopper's number: its index in the schedule.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Index into [`Scenario::personas`].
    pub fn persona_index(&self) -> usize {
        self.persona.into()
    }

    /// Index into [`Scenario::journeys`]: what this shopper came for.
    pub fn journey(&self) -> usize {
        self.journey.into()
    }

    /// The id of its browser session.
    pub fn session(&self) -> Uuid {
        self.session
    }

    /// The id of the session that follows so many others when they were too old.
    pub(crate) fn session_after(&self, world: &ScenarioData, others: u32) -> Uuid {
        let mut ids = world.keys("session-renewal", self.index);
        (0..others.max(1)).fold(self.session, |_, _| random_uuid(&mut ids))
    }

    /// Whether it has been here before.
    pub fn is_returning(&self) -> bool {
        self.returning
    }

    /// Pieces in its basket.
    pub fn basket(&self) -> u32 {
        self.basket
    }

    /// `desktop`, `mobile`, …
    pub fn device<'w>(&self, world: &'w ScenarioData) -> &'w str {
        name_at(&world.persona(self).devices, self.device, "desktop")
    }

    /// `chrome`, `safari`, …
    pub fn browser<'w>(&self, world: &'w ScenarioData) -> &'w str {
        name_at(&world.persona(self).browsers, self.browser, "chrome")
    }

    /// ISO 3166 code.
    pub fn country<'w>(&self, world: &'w ScenarioData) -> &'w str {
        name_at(&world.persona(self).countries, self.country, "US")
    }

    /// What its browser says about itself.
    pub fn client(&self, world: &ScenarioData) -> Client {
        Client::of(self.device(world), self.browser(world), self.country(world))
    }

    /// Its name, address and so on: drawn when first asked for, the same ever after.
    pub fn person(&mut self, world: &ScenarioData) -> &Person {
        let (index, country) = (self.index, self.country(world));
        self.person
            .get_or_insert_with(|| Box::new(Person::new(world.seed(), world.run, index, country)))
    }

    /// Its card.
    pub fn card(&self, world: &ScenarioData) -> Card {
        Card::new(world.seed(), self.index, self.declined)
    }

    /// A variable's value; unset if there is no such variable.
    pub fn variable(&self, slot: Slot) -> &Value {
        self.variables
            .get(usize::from(slot.0))
            .unwrap_or(&Value::Unset)
    }

    /// Sets a variable. A slot that the scenario does not have is ignored; a text that is longer than [`VALUE_BYTES_MAX`], or
    /// more than all of them may hold, is not kept, and [`take_too_large`](Self::take_too_large) tells.
    pub fn set_variable(&mut self, slot: Slot, value: Value) {
        let Some(variable) = self.variables.get_mut(usize::from(slot.0)) else {
            return;
        };
        let others = self.variable_bytes - variable.text_bytes();
        let bytes = value.text_bytes();
        let fits = bytes <= VALUE_BYTES_MAX && others + bytes <= VARIABLES_BYTES_MAX;
        self.too_large |= !fits;
        *variable = if fits { value } else { Value::Unset };
        self.variable_bytes = others + variable.text_bytes();
    }

    /// A text was made of a secret: it is as secret.
    pub(crate) fn note_derived(&mut self, text: &str) {
        if text.len() > DERIVED_BYTES_MAX || self.derived.iter().any(|known| **known == *text) {
            return;
        }
        if self.derived.len() == DERIVED_MAX {
            self.derived.remove(0);
        }
        self.derived.push(text.into());
    }

    /// Texts that were made of secrets, the newest ones.
    pub(crate) fn derived(&self) -> &[Box<str>] {
        &self.derived
    }

    /// A text outgrew its bound.
    pub(crate) fn note_too_large(&mut self) {
        self.too_large = true;
    }

    /// Whether a value outgrew its bound since the last call: what was to be made of it is wrong.
    pub fn take_too_large(&mut self) -> bool {
        std::mem::take(&mut self.too_large)
    }

    /// Random numbers for where it goes and how long it thinks.
    pub fn walk(&mut self) -> &mut ShopperRng {
        &mut self.walk
    }

    /// Random numbers for the values in its requests.
    pub fn data(&mut self) -> &mut ShopperRng {
        &mut self.data
    }

    /// Random numbers for ids: UUIDs, traces, spans.
    pub fn ids(&mut self) -> &mut ShopperRng {
        &mut self.ids
    }

    /// A new random UUID.
    pub fn new_uuid(&mut self) -> Uuid {
        random_uuid(&mut self.ids)
    }

    /// A think time at this shopper's pace.
    pub(crate) fn paced(&self, world: &ScenarioData, think: Duration) -> Duration {
        let seconds = think.as_secs_f64() * world.persona(self).pace;
        Duration::try_from_secs_f64(seconds).unwrap_or(think)
    }
}

/// Without person and variables: they hold passwords and tokens.
impl fmt::Debug for Shopper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("Shopper");
        fields
            .field("index", &self.index)
            .field("session", &self.session)
            .field("persona", &self.persona);
        fields
            .field("journey", &self.journey)
            .finish_non_exhaustive()
    }
}

fn pick(rng: &mut ShopperRng, weights: impl Iterator<Item = f64> + Clone) -> u16 {
    // Checked scenarios have fewer than 2¹⁶ of anything and some weight above zero.
    rng.weighted(weights)
        .and_then(|index| u16::try_from(index).ok())
        .unwrap_or(0)
}

fn name_at<'w>(names: &'w [(String, f64)], index: u16, otherwise: &'static str) -> &'w str {
    names
        .get(usize::from(index))
        .map_or(otherwise, |(name, _)| name)
}

fn random_uuid(rng: &mut ShopperRng) -> Uuid {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
