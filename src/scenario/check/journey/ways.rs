//! Loops, branches and choices as jumps.

use checked_yaml::Place;

use super::Compiler;
use crate::journey::Op;
use crate::scenario::Condition;
use crate::scenario::check::names::Scope;
use crate::scenario::check::possible::{Facts, Truth};
use crate::scenario::check::template::Meaning;
use crate::scenario::check::variables::list_of;
use crate::scenario::check::{condition, persona, variables};
use crate::scenario::file::{ConditionText, ForEachStep, StepShape};

/// Rounds of `for-each` without `at-most`.
const ITEMS_DEFAULT: u32 = 1000;

/// A loop that goes round so often.
fn times((from, to): (u32, u32)) -> impl FnOnce(u8) -> Op {
    move |counter| Op::Repeat(counter, from, to)
}

impl Compiler<'_> {
    /// Compiles a loop: `begin` sets its counter, `head` runs before each round and may jump out, `tail` after it and may jump back.
    fn rounds(
        &mut self,
        begin: impl FnOnce(u8) -> Op,
        steps: &[StepShape],
        place: &Place,
        head: impl FnOnce(&mut Self) -> Option<usize>,
        tail: impl FnOnce(&mut Self, u16) -> bool,
    ) {
        let counter = u8::try_from(self.depth).unwrap_or(u8::MAX);
        self.depth += 1;
        self.counters = self.counters.max(self.depth);
        self.ops.push(begin(counter));
        let begin = self.here();
        let next = self.ops.len();
        self.ops.push(Op::Next(counter, 0));
        let before = self.scope.clone();
        let exit = head(self);
        // From the second round on, what the body sets is set at its beginning, too.
        self.set_all_of(steps, place);
        let comes_out = self.steps(steps, &place.key("steps"));
        if comes_out && !tail(self, begin) {
            self.ops.push(Op::Jump(begin));
        }
        let end = self.here();
        self.ops[next] = Op::Next(counter, end);
        if let Some(exit) = exit
            && let Some(Op::Unless(_, to)) = self.ops.get_mut(exit)
        {
            *to = end;
        }
        self.scope.join(&before);
        self.depth -= 1;
    }

    fn set_all_of(&mut self, steps: &[StepShape], place: &Place) {
        let mut found = Vec::new();
        variables::in_steps(steps, place, &mut found);
        for (name, _) in found {
            self.names
                .slot(&name)
                .into_iter()
                .for_each(|slot| self.scope.set(slot));
        }
    }

    pub(super) fn repeat(
        &mut self,
        rounds: (u32, u32),
        steps: &[StepShape],
        place: &Place,
    ) -> bool {
        self.rounds(times(rounds), steps, place, |_| None, |_, _| false);
        true
    }

    pub(super) fn for_each(&mut self, step: &ForEachStep, place: &Place) -> bool {
        let meaning = Meaning {
            names: self.names,
            scope: &self.scope,
        };
        let Some((name, value)) = step.for_each.first() else {
            return true;
        };
        let at = place.key("for-each").key(name.as_str());
        let from = persona::value_of(self.report, meaning, value, &at);
        let slots = self
            .names
            .slot(name.as_str())
            .zip(self.names.slot(&list_of(place)));
        let Some((item, list)) = slots else {
            return true;
        };
        let rounds_max = step.at_most.unwrap_or(ITEMS_DEFAULT);
        let counter = u8::try_from(self.depth).unwrap_or(u8::MAX);
        let begin = |counter| Op::Each {
            counter,
            list,
            from,
            rounds_max,
        };
        let head = |compiler: &mut Self| {
            compiler.scope.set(item);
            compiler.ops.push(Op::Item {
                counter,
                list,
                rounds_max,
                item,
            });
            None
        };
        self.rounds(begin, &step.steps, place, head, |_, _| false);
        true
    }

    pub(super) fn while_holds(
        &mut self,
        text: &ConditionText,
        most: u32,
        steps: &[StepShape],
        place: &Place,
    ) -> bool {
        let at = place.key("while");
        // The condition is asked again after each round, so what the body sets may be in it.
        let mut scope = self.scope.clone();
        std::mem::swap(&mut self.scope, &mut scope);
        self.set_all_of(steps, place);
        let condition = self.condition(text, &at);
        std::mem::swap(&mut self.scope, &mut scope);
        let Some(condition) = condition else {
            self.rounds(times((most, most)), steps, place, |_| None, |_, _| false);
            return true;
        };
        if let Truth::Never(reason) = self.facts(&scope).truth(&condition) {
            let problem = self
                .report
                .at(&at, format!("these steps are never reached: {reason}"));
            self.report.add(problem.label("never holds"));
        }
        let head = |compiler: &mut Self| {
            compiler.ops.push(Op::Unless(condition, 0));
            Some(compiler.ops.len() - 1)
        };
        self.rounds(times((most, most)), steps, place, head, |_, _| false);
        true
    }

    pub(super) fn until_holds(
        &mut self,
        text: &ConditionText,
        most: u32,
        steps: &[StepShape],
        place: &Place,
    ) -> bool {
        let at = place.key("until");
        let tail = |compiler: &mut Self, begin: u16| {
            let Some(condition) = compiler.condition(text, &at) else {
                return false;
            };
            compiler.ops.push(Op::Unless(condition, begin));
            true
        };
        self.rounds(times((most, most)), steps, place, |_| None, tail);
        true
    }

    pub(super) fn when(
        &mut self,
        text: &ConditionText,
        then: &[StepShape],
        other: Option<&[StepShape]>,
        place: &Place,
    ) -> bool {
        let at = place.key("when");
        let condition = self.condition(text, &at);
        if let Some(condition) = &condition {
            self.report_decided(condition, other.is_some(), &at);
        }
        let unless = self.ops.len();
        self.ops
            .push(Op::Unless(condition.unwrap_or(Condition::Returning), 0));
        let before = self.scope.clone();
        let then_out = self.steps(then, &place.key("then"));
        let after_then = std::mem::replace(&mut self.scope, before);
        let jump = self.ops.len();
        if other.is_some() {
            self.ops.push(Op::Jump(0));
        }
        let else_begin = self.here();
        if let Op::Unless(_, to) = &mut self.ops[unless] {
            *to = else_begin;
        }
        let else_out = other.is_none_or(|steps| self.steps(steps, &place.key("else")));
        self.scope.join(&after_then);
        if other.is_some() {
            self.ops[jump] = Op::Jump(self.here());
        }
        then_out || else_out
    }

    fn report_decided(&self, condition: &Condition, has_else: bool, place: &Place) {
        match self.facts(&self.scope).truth(condition) {
            Truth::Never(reason) => {
                let problem = self
                    .report
                    .at(place, format!("`then` is never reached: {reason}"));
                self.report.add(
                    problem
                        .label("never holds")
                        .help("remove this step, or change the condition"),
                );
            }
            Truth::Always(reason) if has_else => {
                let problem = self
                    .report
                    .at(place, format!("`else` is never reached: {reason}"));
                self.report.add(
                    problem
                        .label("always holds")
                        .help("remove `else`, or change the condition"),
                );
            }
            _ => {}
        }
    }

    pub(super) fn choose(&mut self, ways: &[(Option<f64>, &[StepShape])], place: &Place) -> bool {
        let choice = self.ops.len();
        self.ops.push(Op::Jump(0));
        let before = self.scope.clone();
        let mut after = before.clone();
        let mut targets = Vec::new();
        let mut jumps = Vec::new();
        let mut comes_out = false;
        for (index, (weight, steps)) in ways.iter().enumerate() {
            let place = place.index(index);
            let weight = self
                .report
                .weight(*weight, "this way", &place.key("weight"));
            targets.push((weight, self.here()));
            self.scope = before.clone();
            comes_out |= self.steps(steps, &place.key("steps"));
            after.join(&self.scope);
            jumps.push(self.ops.len());
            self.ops.push(Op::Jump(0));
        }
        let end = self.here();
        jumps
            .into_iter()
            .for_each(|jump| self.ops[jump] = Op::Jump(end));
        self.ops[choice] = Op::Choose(targets);
        self.scope = after;
        comes_out
    }

    fn condition(&self, text: &ConditionText, place: &Place) -> Option<Condition> {
        match condition::parse(text.as_str(), self.names, &self.scope) {
            Ok(condition) => Some(condition),
            Err(slip) => {
                self.report.slip(place, slip);
                None
            }
        }
    }

    fn facts<'f>(&'f self, scope: &'f Scope) -> Facts<'f> {
        Facts {
            personas: self.personas,
            outcomes: &self.outcomes,
            scope,
            names: self.names,
        }
    }
}
