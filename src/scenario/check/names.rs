//! Everything in a scenario that has a name, and which variables may be set where.

use std::cell::RefCell;
use std::collections::BTreeSet;

use checked_yaml::Place;
use indexmap::IndexMap;

use crate::scenario::secrets::KnownSecrets;
use crate::scenario::{Feeder, Popularity};
use crate::template::Slot;

/// Names that texts in a scenario may refer to.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Variables by slot, each with the first place that sets it.
    variables: IndexMap<String, Place>,
    pub(super) feeders: Vec<Feeder>,
    pub(super) popularity: Vec<Popularity>,
    /// Personas in order, with their weights.
    pub(super) personas: Vec<String>,
    /// Values that are secret wherever they stand: of the environment, and passwords.
    secrets: RefCell<Vec<String>>,
    /// Variables that are secret, whatever they are called: what signs.
    secret_variables: RefCell<Vec<Slot>>,
}

impl Names {
    /// Takes note of a variable; the first place that sets it counts.
    pub(super) fn declare(&mut self, name: &str, place: &Place) -> Slot {
        let entry = self.variables.entry(name.to_owned());
        let index = entry.index();
        entry.or_insert_with(|| place.clone());
        Slot(index as u16)
    }

    pub(super) fn slot(&self, name: &str) -> Option<Slot> {
        self.variables
            .get_index_of(name)
            .map(|index| Slot(index as u16))
    }

    pub(super) fn set_at(&self, name: &str) -> Option<&Place> {
        self.variables.get(name)
    }

    /// Those that scenarios can name; the lists of loops cannot be named.
    pub(super) fn variables(&self) -> impl Iterator<Item = (Slot, &str)> + Clone {
        self.variables
            .keys()
            .enumerate()
            .map(|(index, name)| (Slot(index as u16), name.as_str()))
            .filter(|(_, name)| !name.contains(' '))
    }

    /// Takes note of a value that may not be shown.
    pub(super) fn learn_secret(&self, value: &str) {
        self.secrets.borrow_mut().push(value.to_owned());
    }

    /// Takes note of a variable whose value may not be shown.
    pub(super) fn learn_secret_variable(&self, slot: Slot) {
        self.secret_variables.borrow_mut().push(slot);
    }

    /// Whether one of the values that may not be shown stands in a text.
    pub(super) fn holds_secret(&self, text: &str) -> bool {
        let secrets = self.secrets.borrow();
        secrets
            .iter()
            .any(|secret| !secret.is_empty() && text.contains(secret))
    }

    pub(super) fn known_secrets(&self) -> KnownSecrets {
        KnownSecrets {
            values: self.secrets.borrow().clone(),
            variables: self.secret_variables.borrow().clone(),
        }
    }

    pub(super) fn variable_names(&self) -> Vec<String> {
        self.variables.keys().cloned().collect()
    }
}

/// Variables that may be set at some point: those set on any way there.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Scope(BTreeSet<Slot>);

impl Scope {
    pub(super) fn set(&mut self, slot: Slot) {
        self.0.insert(slot);
    }

    pub(super) fn holds(&self, slot: Slot) -> bool {
        self.0.contains(&slot)
    }

    /// Joins the ways that meet here.
    pub(super) fn join(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }
}
