//! A fair queue: whoever waits gets a turn before anyone gets a second one, however many the others have in line.
//!
//! Pure. Clients take turns, and the accounts of one client take turns within its own; who waits alone has every turn.

use std::collections::VecDeque;

/// Something from which waiting items are taken.
pub(super) trait Line: Default {
    /// What waits.
    type Item;
    /// How many wait.
    fn len(&self) -> usize;
    /// Takes the one whose turn it is.
    fn take_next(&mut self) -> Option<Self::Item>;
    /// Takes the one that would have waited longest, to make room.
    fn take_newest(&mut self) -> Option<Self::Item>;
}

impl<T> Line for VecDeque<T> {
    type Item = T;

    fn len(&self) -> usize {
        VecDeque::len(self)
    }

    fn take_next(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn take_newest(&mut self) -> Option<T> {
        self.pop_back()
    }
}

/// Lines that take turns; those that are empty are forgotten.
pub(super) struct Turns<K, L> {
    lines: VecDeque<(K, L)>,
}

impl<K, L> Default for Turns<K, L> {
    fn default() -> Self {
        Turns {
            lines: VecDeque::new(),
        }
    }
}

impl<K: PartialEq, L: Line> Turns<K, L> {
    /// The line of `key`, behind all others if it is new. The caller puts something into it.
    pub(super) fn line_of(&mut self, key: K) -> &mut L {
        let there = self.lines.iter().position(|(known, _)| *known == key);
        let at = there.unwrap_or_else(|| {
            self.lines.push_back((key, L::default()));
            self.lines.len() - 1
        });
        &mut self.lines[at].1
    }

    /// How many wait in the line of `key`.
    pub(super) fn len_of(&self, key: &K) -> usize {
        let line = self.lines.iter().find(|(known, _)| known == key);
        line.map_or(0, |(_, line)| line.len())
    }

    /// How many wait in the longest line.
    pub(super) fn len_of_longest(&self) -> usize {
        let lengths = self.lines.iter().map(|(_, line)| line.len());
        lengths.max().unwrap_or(0)
    }
}

impl<K: PartialEq, L: Line> Line for Turns<K, L> {
    type Item = L::Item;

    fn len(&self) -> usize {
        self.lines.iter().map(|(_, line)| line.len()).sum()
    }

    fn take_next(&mut self) -> Option<L::Item> {
        let (key, mut line) = self.lines.pop_front()?;
        let item = line.take_next();
        if line.len() > 0 {
            self.lines.push_back((key, line));
        }
        item
    }

    fn take_newest(&mut self) -> Option<L::Item> {
        let lines = self.lines.iter().enumerate();
        let (longest, _) = lines.max_by_key(|(_, (_, line))| line.len())?;
        let item = self.lines[longest].1.take_newest();
        if self.lines[longest].1.len() == 0 {
            self.lines.remove(longest);
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type ByClient = Turns<&'static str, Turns<&'static str, VecDeque<u32>>>;

    fn waiting(jobs: &[(&'static str, &'static str, u32)]) -> ByClient {
        let mut turns = ByClient::default();
        for &(client, account, job) in jobs {
            turns.line_of(client).line_of(account).push_back(job);
        }
        turns
    }

    fn all(mut turns: ByClient) -> Vec<u32> {
        std::iter::from_fn(|| turns.take_next()).collect()
    }

    #[test]
    fn a_flood_from_one_client_delays_another_by_one_turn() {
        let mut flood: Vec<_> = (0..100).map(|job| ("flood", "a", job)).collect();
        flood.push(("other", "b", 1_000));
        let served = all(waiting(&flood));
        assert_eq!(served[1], 1_000);
        assert_eq!(served.len(), 101);
    }

    #[test]
    fn the_accounts_of_one_client_take_turns_too() {
        let served = all(waiting(&[
            ("one", "a", 1),
            ("one", "a", 2),
            ("one", "a", 3),
            ("one", "b", 4),
            ("two", "a", 5),
        ]));
        assert_eq!(served, [1, 5, 4, 2, 3]);
    }

    #[test]
    fn room_is_made_in_the_longest_line_at_its_end() {
        let mut turns = waiting(&[
            ("one", "a", 1),
            ("two", "a", 2),
            ("two", "b", 3),
            ("two", "b", 4),
        ]);
        assert_eq!((turns.len_of(&"one"), turns.len_of_longest()), (1, 3));
        assert_eq!(turns.take_newest(), Some(4));
        assert_eq!(turns.len(), 3);
        assert_eq!(all(turns), [1, 2, 3]);
    }
}
